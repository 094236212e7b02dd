//! States: what is restored, reset or copied is the same; sleeping cannot be told from outside.

use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::world::snapshot::{SnapshotError, Space};
use crate::worlds::{AWAKE, Start};

/// What the server does every second, to the end.
fn tick(worlds: &Worlds, real: DateTime<Utc>) {
    worlds.tick(real);
    while worlds.tidy(real) {}
}

/// Something that happens to a world.
#[derive(Clone, Debug)]
enum Act {
    Add(i64),
    Refuse,
    Draw,
    Timer(u8, i64),
    Recurring(u8, i64),
    Cancel(u8),
    Send(String),
    Advance(i64),
    SetBack(i64),
    Mode(bool),
    Setting(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (-5..5_i64).prop_map(Act::Add),
        Just(Act::Refuse),
        Just(Act::Draw),
        (0..4_u8, 0..500_i64).prop_map(|(kind, after)| Act::Timer(kind, after)),
        (0..4_u8, 20..500_i64).prop_map(|(kind, every)| Act::Recurring(kind, every)),
        (0..4_u8).prop_map(Act::Cancel),
        "[a-z]{0,2000}".prop_map(Act::Send),
        (0..400_i64).prop_map(Act::Advance),
        (0..400_i64).prop_map(Act::SetBack),
        any::<bool>().prop_map(Act::Mode),
        (0..3_u8).prop_map(Act::Setting),
    ]
}

/// Does it at the moment `real`; returns what can be seen of it.
fn perform(world: &World, act: &Act, real: DateTime<Utc>) -> String {
    let (now, seen) = match act {
        Act::Advance(by) => return format!("{:?}", world.advance(TimeDelta::seconds(*by), real).unwrap()),
        Act::SetBack(by) => {
            let target = (world.now(real) - TimeDelta::seconds(*by)).max(REAL);
            return format!("{:?}", world.set_clock(Some(target), None, real).unwrap());
        }
        Act::Mode(frozen) => {
            let mode = if *frozen { Mode::Frozen } else { Mode::Running };
            return format!("{:?}", world.set_clock(None, Some(mode), real).unwrap());
        }
        act => world.request(real, "tiny", |cx| tell(cx, act)),
    };
    format!("{now} {seen:?}")
}

fn tell(cx: &mut Cx<'_>, act: &Act) -> rusqlite::Result<(i64, Uuid)> {
    match act {
        Act::Add(number) => add(cx, *number)?,
        Act::Refuse => {
            add(cx, 1)?;
            return Err(rusqlite::Error::InvalidQuery);
        }
        Act::Timer(kind, after) => cx.set_timer(&kind.to_string(), "", cx.now + TimeDelta::seconds(*after))?,
        Act::Recurring(kind, every) => {
            let every = TimeDelta::seconds(*every);
            cx.set_recurring_timer(&format!("r{kind}"), cx.now + every, every)?;
        }
        Act::Cancel(kind) => cx.cancel_timer(&kind.to_string(), "")?,
        Act::Send(text) => cx.send_webhook("http://localhost:1/", text)?,
        Act::Setting(value) => cx.set_setting("level", &json!(value))?,
        _ => {}
    }
    let level = cx.made_setting("level").and_then(Value::as_i64).unwrap_or(-1);
    Ok((count(cx)? * 10 + level, cx.rng.uuid()))
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    proptest::collection::vec(act(), 0..12)
}

/// All that a world is: rows, clock, and what it draws next.
fn whole(world: &World, real: DateTime<Utc>) -> String {
    let draw = world.request(real, "tiny", |cx| Ok::<_, ()>(cx.rng.uuid())).1.unwrap();
    format!("{:?} {draw} {}", world.clock(real), dump(world))
}

/// The same in another world that is as this one is: looking at it draws.
fn whole_of_copy(worlds: &Worlds, name: &str, real: DateTime<Utc>) -> String {
    let copy = worlds.create(Spec { from: Start::World(name.to_owned()), ..Spec::default() }, real).unwrap();
    let seen = whole(&copy, real);
    worlds.forget(&copy);
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn restoring_undoes_whatever_happened(before in acts(), after in acts(), frozen in any::<bool>(), in_file in any::<bool>()) {
        let worlds = worlds(7);
        let folder = tempfile::tempdir().unwrap();
        let mode = Some(if frozen { Mode::Frozen } else { Mode::Running });
        let spec = Spec { mode, ..default_spec() };
        let world =
            if in_file { worlds.open(&folder.path().join("w.db"), spec, REAL) } else { worlds.create(spec, REAL) }.unwrap();
        for act in &before {
            perform(&world, act, REAL);
        }
        let snapshot = worlds.take_snapshot(&world, None, REAL).unwrap();
        let expected = whole_of_copy(&worlds, DEFAULT, REAL);
        for act in &after {
            perform(&world, act, later(7));
        }
        // At the same real moment, so that a running clock shows the same.
        world.restore_snapshot(&snapshot.id, REAL).unwrap();
        prop_assert_eq!(whole(&world, REAL), expected);
    }

    #[test]
    fn resetting_gives_a_fresh_world(acts in acts(), frozen in any::<bool>()) {
        let spec = || Spec { now: Some(later(1000)), mode: frozen.then_some(Mode::Frozen), ..default_spec() };
        let (used, fresh) = (worlds(7).create(spec(), REAL).unwrap(), worlds(7).create(spec(), REAL).unwrap());
        for act in &acts {
            perform(&used, act, later(3));
        }
        used.reset(None, REAL).unwrap();
        prop_assert_eq!(whole(&used, REAL), whole(&fresh, REAL));
    }

    #[test]
    fn the_same_seed_gives_the_same_whether_the_world_sleeps_in_between_or_not(acts in acts()) {
        let wakeful = worlds(7).create(Spec { name: Some("w".to_owned()), ..Spec::default() }, REAL).unwrap();
        let sleepy = worlds(7);
        let world = sleepy.create(Spec { name: Some("w".to_owned()), ..Spec::default() }, REAL).unwrap();
        for (act, n) in acts.iter().zip(1..) {
            // Both are looked at, so that timers fire at the same moments.
            let real = later(n * 20);
            wakeful.tick(real - TimeDelta::seconds(10));
            tick(&sleepy, real - TimeDelta::seconds(10));
            prop_assert!(!world.is_awake());
            prop_assert_eq!(perform(&world, act, real), perform(&wakeful, act, real));
            prop_assert!(world.is_awake());
        }
        let end = later(10_000);
        prop_assert_eq!(whole(&world, end), whole(&wakeful, end));
    }
}

#[test]
fn a_world_is_opened_by_its_first_use_or_by_the_tick_and_the_default_world_stays_open() {
    let worlds = worlds(7);
    let default = worlds.create(default_spec(), REAL).unwrap();
    let [used, unused] = [(); 2].map(|()| worlds.create(Spec::default(), REAL).unwrap());
    assert_eq!([&default, &used, &unused].map(|world| world.is_awake()), [true, false, false]);
    counted(&used, later(1));
    tick(&worlds, later(2));
    assert_eq!([&default, &used, &unused].map(|world| world.is_awake()), [true, true, true]);
    tick(&worlds, later(60));
    assert_eq!([&default, &used, &unused].map(|world| world.is_awake()), [true, false, false]);
    counted(&used, later(61));
    tick(&worlds, later(62));
    assert_eq!([&default, &used, &unused].map(|world| world.is_awake()), [true, true, false]);
}

#[test]
fn a_sleeping_world_awakens_for_its_timers_and_webhooks() {
    let worlds = worlds(7);
    let world = worlds.create(Spec::default(), REAL).unwrap();
    set_timer(&world, "bump", later(100));
    world.request(REAL, "tiny", |cx| cx.send_webhook("http://localhost:1/", "{}")).1.unwrap();
    world.claim_deliveries(REAL).unwrap();
    tick(&worlds, later(9));
    assert!(!world.is_awake());
    assert!(!world.has_due_delivery(later(9)) && world.has_due_delivery(later(10)), "the retry, without being opened");
    assert!(!world.is_awake());
    assert_eq!(world.claim_deliveries(later(10)).unwrap().len(), 1);
    tick(&worlds, later(50));
    assert!(!world.is_awake());
    world.tick(later(99));
    assert!(!world.is_awake());
    world.tick(later(100));
    assert!(world.is_awake());
    assert_eq!(counted(&world, later(100)), 10);
}

#[test]
fn of_many_worlds_only_those_used_last_are_awake_and_each_goes_on_as_it_was() {
    let worlds = worlds(7);
    let named = |number: usize| Spec { name: Some(format!("w{number}")), ..Spec::default() };
    let many: Vec<Arc<World>> = (0..3 * AWAKE).map(|number| worlds.create(named(number), REAL).unwrap()).collect();
    for (at, world) in (1..).zip(&many) {
        perform(world, &Act::Add(at), later(0));
        worlds.limit_awake(world);
        let awake = many.iter().filter(|world| world.is_awake()).count();
        assert!(awake <= AWAKE, "{awake} are awake after {at}");
    }
    assert!(many.last().unwrap().is_awake() && !many[0].is_awake());
    for (at, world) in (1..).zip(&many) {
        let alone = worlds.create(Spec { seed: Some(world.seed()), ..Spec::default() }, REAL).unwrap();
        perform(&alone, &Act::Add(at), later(0));
        assert_eq!(perform(world, &Act::Draw, later(1)), perform(&alone, &Act::Draw, later(1)));
        worlds.limit_awake(world);
        worlds.delete(alone.name());
    }
}

#[test]
fn a_world_in_a_file_never_sleeps() {
    let folder = tempfile::tempdir().unwrap();
    let worlds = worlds(7);
    let world = worlds.open(&folder.path().join("w.db"), default_spec(), REAL).unwrap();
    world.tidy(true, REAL, later(60)).unwrap();
    assert!(world.is_awake());
}

#[test]
fn a_webhook_under_way_while_the_world_is_restored_takes_nothing_off() {
    let worlds = worlds(7);
    let world = worlds.create(default_spec(), REAL).unwrap();
    world.request(REAL, "tiny", |cx| cx.send_webhook("http://localhost:1/", "{}")).1.unwrap();
    let snapshot = worlds.take_snapshot(&world, None, REAL).unwrap();
    let claimed = world.claim_deliveries(REAL).unwrap();
    world.restore_snapshot(&snapshot.id, REAL).unwrap();
    assert!(world.has_due_delivery(REAL), "it is due again");
    world.settle_delivery(&claimed[0]).unwrap();
    assert_eq!(world.claim_deliveries(REAL).unwrap().len(), 1);
}

#[test]
fn a_restored_running_clock_goes_on_from_what_it_showed_and_a_frozen_one_stands() {
    for (mode, expected) in [(Mode::Running, later(1005)), (Mode::Frozen, later(1000))] {
        let worlds = worlds(7);
        let world = worlds.create(Spec { now: Some(later(1000)), mode: Some(mode), ..default_spec() }, REAL).unwrap();
        let snapshot = worlds.take_snapshot(&world, None, REAL).unwrap();
        world.advance(TimeDelta::days(3), later(60)).unwrap();
        world.restore_snapshot(&snapshot.id, later(100)).unwrap();
        assert_eq!(world.now(later(105)), expected);
        let start = Start::Snapshot { world: DEFAULT.to_owned(), id: snapshot.id.clone() };
        let other = worlds.create(Spec { from: start, ..Spec::default() }, later(100)).unwrap();
        assert_eq!(other.now(later(105)), expected);
        other.reset(None, later(200)).unwrap();
        assert_eq!(other.now(later(205)), expected, "as at its creation");
    }
}

#[test]
fn ids_follow_from_names_and_none_is_given_twice() {
    let world = worlds(7).create(default_spec(), REAL).unwrap();
    let space = Arc::new(Space::new(usize::MAX));
    let take = |name: Option<&str>| world.take_snapshot(name.map(ToOwned::to_owned), &space, REAL).unwrap().id.clone();
    for (name, id) in [
        (None, "snap-1"),
        (Some("Before sign-up"), "before-sign-up"),
        (Some("before  SIGN up!"), "before-sign-up-2"),
        (Some("---"), "snap-2"),
        (Some("日本"), "snap-3"),
        (Some("snap 4"), "snap-4"),
        (None, "snap-5"),
        (Some("Zürich 2"), "z-rich-2"),
    ] {
        assert_eq!(take(name), id, "{name:?}");
    }
    world.delete_snapshot("snap-5").unwrap();
    assert_eq!(take(None), "snap-6");
}

#[test]
fn snapshots_are_refused_when_there_is_no_room_and_fit_when_another_is_deleted() {
    let worlds = worlds(7).snapshot_memory(150_000);
    let world = worlds.create(default_spec(), REAL).unwrap();
    let other = worlds.create(Spec { name: Some("other".to_owned()), ..Spec::default() }, REAL).unwrap();
    let text = "x".repeat(80_000);
    world.request(REAL, "tiny", |cx| cx.send_webhook("https://localhost:1/", &text)).1.unwrap();
    other.request(REAL, "tiny", |cx| cx.send_webhook("https://localhost:1/", &text)).1.unwrap();
    let first = worlds.take_snapshot(&other, None, REAL);
    assert!(first.is_ok(), "{first:?}");
    drop(first);
    let refused = worlds.take_snapshot(&world, None, REAL).unwrap_err();
    assert!(matches!(refused, SnapshotError::NoRoom { limit: 150_000, .. }), "{refused}");
    assert_eq!(world.snapshots().len(), 0);
    drop(other);
    worlds.delete("other");
    worlds.take_snapshot(&world, None, REAL).unwrap();
}
