//! The rules for what a body may say about an identity.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::body::{Object, Sent};
use super::error::Error;
use super::field_errors::{FieldError, FieldErrors};
use super::formats::{self, AGE_MAX, AGE_MIN};
use super::types::{Address, DocumentType, Gender, Identity, IdentityType, Phone, Side, Tax};

const TYPES: &[(&str, IdentityType)] = &[("person", IdentityType::Person), ("company", IdentityType::Company)];
const GENDERS: &[(&str, Gender)] = &[("Male", Gender::Male), ("Female", Gender::Female), ("Undefined", Gender::Undefined)];
const SIDES: &[(&str, Side)] = &[("FrontSide", Side::FrontSide), ("BackSide", Side::BackSide)];
const DOCUMENT_TYPES: &[(&str, DocumentType)] = &[
    ("DriverLicense", DocumentType::DriverLicense),
    ("IdentityCard", DocumentType::IdentityCard),
    ("Other", DocumentType::Other),
    ("Passport", DocumentType::Passport),
    ("ResidencePermit", DocumentType::ResidencePermit),
    ("UtilityBill", DocumentType::UtilityBill),
];
const PROPERTIES: &[&str] =
    &["address", "birthday", "documents", "email", "faceImages", "gender", "identityOwner", "name", "phone", "tax", "type"];

/// The country whose addresses and tax numbers belong to a state.
const UNITED_STATES: &str = "US";

/// A document as it is sent.
#[derive(Clone, Debug)]
pub(super) struct NewDocument {
    pub description: Option<String>,
    pub label: Option<String>,
    pub side: Side,
    pub r#type: DocumentType,
    pub url: String,
}

/// A new identity as it is sent.
#[derive(Debug)]
pub(super) struct NewIdentity {
    pub address: Address,
    pub birthday: Option<NaiveDate>,
    pub documents: Vec<NewDocument>,
    pub email: String,
    pub face_images: Vec<String>,
    pub gender: Option<Gender>,
    pub identity_owner: Option<String>,
    pub name: String,
    pub phone: Phone,
    pub tax: Tax,
    pub r#type: IdentityType,
}

/// What is to become of an identity: none leaves a value as it is.
#[derive(Debug)]
pub(super) struct Changes {
    pub address: Option<Address>,
    pub birthday: Option<Option<NaiveDate>>,
    pub documents: Vec<NewDocument>,
    pub email: Option<String>,
    pub face_images: Option<Vec<String>>,
    pub gender: Option<Option<Gender>>,
    pub identity_owner: Option<Option<String>>,
    pub name: Option<String>,
    pub phone: Option<Phone>,
    pub tax: Option<Tax>,
    pub r#type: Option<IdentityType>,
}

/// Reads the body of a creation.
pub(super) fn new_identity(body: &Map<String, Value>, today: NaiveDate) -> Result<NewIdentity, Error> {
    let mut errors = FieldErrors::default();
    let fields = Fields::read(body, None, today, &mut errors);
    let Fields { address, birthday, documents, email, face_images, gender, identity_owner, name, phone, tax, r#type } = fields;
    match (address.value(), email.value(), name.value(), phone.value(), tax.value()) {
        (Some(address), Some(email), Some(name), Some(phone), Some(tax)) if errors.is_empty() => Ok(NewIdentity {
            address,
            birthday: birthday.value(),
            documents: documents.value().unwrap_or_default(),
            email,
            face_images: face_images.value().unwrap_or_default(),
            gender: gender.value(),
            identity_owner: identity_owner.value(),
            name,
            phone,
            tax,
            r#type: r#type.value().unwrap_or(IdentityType::Person),
        }),
        _ => Err(Error::Validation(errors)),
    }
}

/// Reads the body of an update. Rules about several fields look at what the identity would be.
pub(super) fn changes(body: &Map<String, Value>, current: &Identity, today: NaiveDate) -> Result<Changes, Error> {
    let mut errors = FieldErrors::default();
    let fields = Fields::read(body, Some(current), today, &mut errors);
    errors.check()?;
    Ok(Changes {
        address: fields.address.value(),
        birthday: nullable(fields.birthday),
        documents: fields.documents.value().unwrap_or_default(),
        email: fields.email.value(),
        face_images: fields.face_images.value(),
        gender: nullable(fields.gender),
        identity_owner: nullable(fields.identity_owner),
        name: fields.name.value(),
        phone: fields.phone.value(),
        tax: fields.tax.value(),
        r#type: fields.r#type.value(),
    })
}

fn nullable<T>(sent: Sent<T>) -> Option<Option<T>> {
    match sent {
        Sent::Absent | Sent::Wrong => None,
        Sent::Null => Some(None),
        Sent::Is(value) => Some(Some(value)),
    }
}

/// What a confirmed identity no longer lets change.
pub(super) fn locked(before: &Identity, after: &Identity) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    for (path, differs) in [
        ("name", before.name != after.name),
        ("birthday", before.birthday != after.birthday),
        ("gender", before.gender != after.gender),
        ("tax.country", before.tax.country != after.tax.country),
        ("tax.idNumber", before.tax.id_number != after.tax.id_number),
    ] {
        if differs {
            errors.add(path, FieldError::immutable());
        }
    }
    errors.check()
}

/// The properties of an identity, each checked by itself and against the others.
struct Fields {
    address: Sent<Address>,
    birthday: Sent<NaiveDate>,
    documents: Sent<Vec<NewDocument>>,
    email: Sent<String>,
    face_images: Sent<Vec<String>>,
    gender: Sent<Gender>,
    identity_owner: Sent<String>,
    name: Sent<String>,
    phone: Sent<Phone>,
    tax: Sent<Tax>,
    r#type: Sent<IdentityType>,
}

impl Fields {
    fn read(body: &Map<String, Value>, current: Option<&Identity>, today: NaiveDate, errors: &mut FieldErrors) -> Self {
        let root = Object::root(body);
        root.refuse_others(PROPERTIES, errors);
        let r#type = root.choice("type", TYPES, errors);
        let r#type = root.not_null("type", r#type, errors);
        // What the other rules go by; none when it is wrong, since nothing can be said then.
        let kind = match r#type {
            Sent::Absent => Some(current.map_or(IdentityType::Person, |current| current.r#type)),
            Sent::Is(kind) => Some(kind),
            Sent::Null | Sent::Wrong => None,
        };
        let email = root.text("email", errors);
        let email = root.format("email", email, "email", |text| formats::is_email(text).then(|| text.to_owned()), errors);
        let owner = root.string("identityOwner", errors);
        let fields = Self {
            address: nested(&root, "address", errors, address),
            birthday: birthday(&root, today, errors),
            documents: documents(&root, errors),
            email,
            face_images: face_images(&root, errors),
            gender: root.choice("gender", GENDERS, errors),
            identity_owner: root.format("identityOwner", owner, "uuid", formats::uuid, errors),
            name: root.text("name", errors).and_then(|text| Some(text.to_owned())),
            phone: nested(&root, "phone", errors, phone),
            tax: nested(&root, "tax", errors, |object, errors| tax(object, kind, errors)),
            r#type,
        };
        if current.is_none() {
            for (name, is_absent) in [
                ("address", fields.address == Sent::Absent),
                ("email", fields.email == Sent::Absent),
                ("name", fields.name == Sent::Absent),
                ("phone", fields.phone == Sent::Absent),
                ("tax", fields.tax == Sent::Absent),
            ] {
                if is_absent {
                    errors.add(name, FieldError::required());
                }
            }
        }
        fields.check_together(kind, current, errors);
        fields
    }

    /// Rules that go by the type, on what the identity would be.
    fn check_together(&self, kind: Option<IdentityType>, current: Option<&Identity>, errors: &mut FieldErrors) {
        match kind {
            Some(IdentityType::Person) => {
                if is_missing(&self.birthday, current.is_some_and(|current| current.birthday.is_some())) {
                    errors.add("birthday", FieldError::required());
                }
                if is_missing(&self.gender, current.is_some_and(|current| current.gender.is_some())) {
                    errors.add("gender", FieldError::required());
                }
            }
            Some(IdentityType::Company) => {
                if is_missing(&self.identity_owner, current.is_some_and(|current| current.identity_owner.is_some())) {
                    errors.add("identityOwner", FieldError::required());
                }
                if let (Sent::Absent, Some(current)) = (&self.tax, current) {
                    match &current.tax.formation_region {
                        None => errors.add("tax.formationRegion", FieldError::required()),
                        Some(region) if region.trim().is_empty() => errors.add("tax.formationRegion", FieldError::not_blank()),
                        Some(_) => {}
                    }
                }
            }
            None => {}
        }
    }
}

/// Whether a mandatory value would be missing.
fn is_missing<T>(sent: &Sent<T>, is_stored: bool) -> bool {
    match sent {
        Sent::Absent => !is_stored,
        Sent::Null => true,
        Sent::Wrong | Sent::Is(_) => false,
    }
}

/// An object in the body that is not null.
fn nested<T>(
    root: &Object<'_>,
    name: &str,
    errors: &mut FieldErrors,
    read: impl FnOnce(&Object<'_>, &mut FieldErrors) -> Option<T>,
) -> Sent<T> {
    root.not_null(name, root.any(name), errors).and_then(|value| read(&Object::at(name, value, errors)?, errors))
}

fn birthday(root: &Object<'_>, today: NaiveDate, errors: &mut FieldErrors) -> Sent<NaiveDate> {
    let sent = root.string("birthday", errors);
    root.format("birthday", sent, "date", formats::date, errors).and_then(|birthday| {
        if !formats::is_of_age(birthday, today) {
            errors.add("birthday", FieldError::age(AGE_MIN, AGE_MAX));
            return None;
        }
        Some(birthday)
    })
}

fn face_images(root: &Object<'_>, errors: &mut FieldErrors) -> Sent<Vec<String>> {
    let sent = root.array("faceImages", errors);
    root.not_null("faceImages", sent, errors).and_then(|items| {
        let read = |(at, item): (usize, &Value)| {
            let path = format!("faceImages[{at}]");
            match item.as_str() {
                Some(text) if formats::is_uri(text) => return Some(text.to_owned()),
                Some(_) => errors.add(path, FieldError::invalid_format("uri")),
                None => errors.add(path, FieldError::invalid_type("string")),
            }
            None
        };
        all(items.iter().enumerate().map(read))
    })
}

fn documents(root: &Object<'_>, errors: &mut FieldErrors) -> Sent<Vec<NewDocument>> {
    let sent = root.array("documents", errors);
    root.not_null("documents", sent, errors).and_then(|items| {
        let read = |(at, item): (usize, &Value)| {
            let object = Object::at(&format!("documents[{at}]"), item, errors)?;
            document(&object, errors)
        };
        all(items.iter().enumerate().map(read))
    })
}

/// All values, unless one is missing; all are read either way.
fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let values: Vec<Option<T>> = values.collect();
    values.into_iter().collect()
}

fn document(object: &Object<'_>, errors: &mut FieldErrors) -> Option<NewDocument> {
    object.refuse_others(&["description", "label", "side", "type", "url"], errors);
    let description = object.string("description", errors);
    let label = object.string("label", errors);
    let side = object.choice("side", SIDES, errors);
    let side = object.required("side", side, errors);
    let r#type = object.choice("type", DOCUMENT_TYPES, errors);
    let r#type = object.required("type", r#type, errors);
    let url = object.text("url", errors);
    let url = object.required("url", url, errors);
    let url = object.format("url", url, "uri", |text| formats::is_uri(text).then(|| text.to_owned()), errors);
    Some(NewDocument {
        description: optional(description)?,
        label: optional(label)?,
        side: side.value()?,
        r#type: r#type.value()?,
        url: url.value()?,
    })
}

/// A string that may be absent or null; none when it is wrong.
#[expect(clippy::option_option, reason = "a wrong value and no value are different things")]
fn optional(sent: Sent<&str>) -> Option<Option<String>> {
    match sent {
        Sent::Wrong => None,
        Sent::Absent | Sent::Null => Some(None),
        Sent::Is(text) => Some(Some(text.to_owned())),
    }
}

fn address(object: &Object<'_>, errors: &mut FieldErrors) -> Option<Address> {
    object.refuse_others(&["city", "country", "postalCode", "state", "street"], errors);
    let city = object.required_text("city", errors);
    let country = country(object, errors);
    let postal_code = object.required_text("postalCode", errors);
    let state = dependent(object, "state", country.as_deref() == Some(UNITED_STATES), errors);
    let street = object.required_text("street", errors);
    Some(Address {
        city: city?.to_owned(),
        country: country?,
        postal_code: postal_code?.to_owned(),
        state: optional(state)?,
        street: street?.to_owned(),
    })
}

fn tax(object: &Object<'_>, kind: Option<IdentityType>, errors: &mut FieldErrors) -> Option<Tax> {
    object.refuse_others(&["country", "formationRegion", "idNumber", "state"], errors);
    let country = country(object, errors);
    let formation_region = dependent(object, "formationRegion", kind == Some(IdentityType::Company), errors);
    let id_number = object.required_text("idNumber", errors);
    let state = dependent(object, "state", country.as_deref() == Some(UNITED_STATES), errors);
    Some(Tax {
        country: country?,
        formation_region: optional(formation_region)?,
        id_number: id_number?.to_owned(),
        state: optional(state)?,
    })
}

fn country(object: &Object<'_>, errors: &mut FieldErrors) -> Option<String> {
    let sent = object.text("country", errors);
    let sent = object.required("country", sent, errors);
    object.format("country", sent, "country", |text| formats::is_country(text).then(|| text.to_owned()), errors).value()
}

/// A string that is not null, and must be there and say something only where another field makes it mandatory.
fn dependent<'a>(object: &Object<'a>, name: &str, is_mandatory: bool, errors: &mut FieldErrors) -> Sent<&'a str> {
    let sent = object.string(name, errors);
    let sent = object.not_null(name, sent, errors);
    if !is_mandatory {
        return sent;
    }
    let sent = object.not_blank(name, sent, errors);
    object.required(name, sent, errors)
}

fn phone(object: &Object<'_>, errors: &mut FieldErrors) -> Option<Phone> {
    object.refuse_others(&["number", "sms"], errors);
    let number = object.required_text("number", errors);
    let sms = object.any("sms").and_then(|value| match value {
        Value::Bool(sms) => Some(*sms),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => {
            errors.add(object.path("sms"), FieldError::invalid_type("boolean"));
            None
        }
    });
    if sms == Sent::Wrong {
        return None;
    }
    Some(Phone { number: number?.to_owned(), sms: sms.value().unwrap_or(false) })
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Any JSON, made of the names and values that the rules look for.
    fn value() -> impl Strategy<Value = Value> {
        let names =
            [PROPERTIES, &["city", "country", "postalCode", "state", "street", "number", "sms", "idNumber", "side", "url", "x"]]
                .concat();
        let texts = ["", " ", "US", "PT", "Male", "person", "company", "a@b.c", "http://h", "2000-01-01", "FrontSide", "Other"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            proptest::sample::select(texts.to_vec()).prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 64, 12, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..3).prop_map(Value::from),
                btree_map(proptest::sample::select(names.clone()), inner, 0..12)
                    .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_body_makes_them_panic_and_what_they_take_is_whole(value in value()) {
            let today = formats::date("2026-01-02").unwrap();
            let body = value.as_object().cloned().unwrap_or_else(|| json!({ "name": value }).as_object().cloned().unwrap());
            match new_identity(&body, today) {
                Ok(new) => {
                    let is_person = new.r#type == IdentityType::Person;
                    prop_assert!(!is_person || new.birthday.is_some() && new.gender.is_some());
                    prop_assert!(is_person || new.identity_owner.is_some() && new.tax.formation_region.is_some());
                    prop_assert!(new.address.country != UNITED_STATES || new.address.state.is_some());
                }
                Err(Error::Validation(errors)) => prop_assert!(!errors.is_empty()),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
