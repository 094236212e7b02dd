//! Worlds with a provider small enough to see everything that a world does for it.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use super::{DEFAULT, Registry, Spec, Worlds};
use crate::http::{
    FixtureError, Input, Links, Problem, Provider, Refusal, Reply, Req, Route, Simulation, Site, Variable, any, reply,
};
use crate::world::clock::{Mode, from_millis};
use crate::world::timers::Timer;
use crate::world::{Cx, Failure, World};

/// Counts.
pub(crate) struct Tiny;

pub(crate) enum TinyError {
    Refused,
    Shared(Problem),
    Store(#[expect(dead_code, reason = "the cause is for the log, which a test does not keep")] rusqlite::Error),
}

impl From<Problem> for TinyError {
    fn from(problem: Problem) -> Self {
        Self::Shared(problem)
    }
}

impl From<rusqlite::Error> for TinyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

pub(crate) fn add(cx: &Cx<'_>, number: i64) -> rusqlite::Result<()> {
    cx.db.execute("UPDATE tiny_count SET n = n + ?1", [number]).map(drop)
}

fn count(cx: &Cx<'_>) -> rusqlite::Result<i64> {
    cx.db.query_row("SELECT n FROM tiny_count", [], |row| row.get(0))
}

fn shown(cx: &mut Cx<'_>) -> Result<Reply, TinyError> {
    let (n, now) = (count(cx)?, cx.now.timestamp_millis());
    Ok(reply::json(StatusCode::OK, &json!({ "n": n, "draw": cx.rng.uuid().to_string(), "now": now })))
}

impl Provider for Tiny {
    const SLUG: &'static str = "tiny";
    const TITLE: &'static str = "Tiny";
    const SITES: &'static [Site] = &[];
    const OPENAPI: &'static str = "{}";
    const SCHEMA: &'static [&'static str] = &["CREATE TABLE tiny_count (n INTEGER NOT NULL) STRICT"];
    const FIXTURE: &'static str = "0";
    const ROUTES: &'static [Route<TinyError>] = &[
        Route::get("/count", "getCount", |cx, _| shown(cx)),
        Route::post("/count", "addOne", |cx, _| {
            add(cx, 1)?;
            shown(cx)
        }),
        Route::post("/refuse", "refuse", |cx, _| {
            add(cx, 1)?;
            Err(TinyError::Refused)
        }),
        Route::post("/refuse-and-keep", "refuseAndKeep", |cx, _| {
            add(cx, 1)?;
            Ok(reply::json(StatusCode::FORBIDDEN, "refused"))
        }),
        Route::post("/panic", "panic", |cx, _| {
            add(cx, 1)?;
            panic!("a handler of a test panics, as it should");
        }),
        Route::post("/fail", "fail", |cx, _| {
            add(cx, 1)?;
            cx.db.execute("INSERT INTO tiny_nowhere VALUES (1)", [])?;
            shown(cx)
        }),
        Route::post("/echo", "echo", |_, req| Ok(reply::body(StatusCode::OK, reply::HTML, req.body.clone()))),
    ];
    const SIMULATIONS: &'static [Simulation] = &[Simulation {
        name: "panic",
        summary: "Panics.",
        example: "{}",
        run: |cx: &mut Cx<'_>, _: &Input| -> Result<Value, Refusal> {
            add(cx, 1)?;
            panic!("a simulation of a test panics, as it should");
        },
    }];
    type Error = TinyError;

    fn load(cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError> {
        let n: i64 = crate::http::fixture::read(fixture)?;
        cx.db.execute("INSERT INTO tiny_count VALUES (?1)", [n])?;
        Ok(())
    }

    fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        add(cx, 10)?;
        match timer.kind.as_str() {
            "panics" => panic!("a timer of a test panics, as it should"),
            "fails" => cx.db.execute("INSERT INTO tiny_nowhere VALUES (1)", []).map(drop),
            _ => Ok(()),
        }
    }

    fn environment(_cx: &mut Cx<'_>, _links: &Links) -> rusqlite::Result<Vec<Variable>> {
        Ok(Vec::new())
    }

    fn render(error: TinyError, _req: &Req) -> Reply {
        let (status, word) = match error {
            TinyError::Refused => (StatusCode::CONFLICT, "refused".to_owned()),
            TinyError::Shared(Problem::Internal) => (StatusCode::INTERNAL_SERVER_ERROR, "internal".to_owned()),
            TinyError::Shared(Problem::Incomplete(why)) => (StatusCode::REQUEST_TIMEOUT, why),
            TinyError::Shared(problem) => (StatusCode::BAD_REQUEST, problem.to_string()),
            TinyError::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store".to_owned()),
        };
        reply::json(status, &word)
    }
}

/// Real time when a test begins: nothing here asks the machine.
const REAL: DateTime<Utc> = DateTime::UNIX_EPOCH;

pub(crate) fn worlds(seed: u64) -> Worlds {
    Worlds::new(Registry::new([any::of::<Tiny>()]), seed)
}

/// `seconds` after [`REAL`].
fn later(seconds: i64) -> DateTime<Utc> {
    REAL + TimeDelta::seconds(seconds)
}

fn default_spec() -> Spec {
    Spec { name: Some(DEFAULT.to_owned()), ..Spec::default() }
}

/// A count that does not disturb what it counts.
fn counted(world: &World, real: DateTime<Utc>) -> i64 {
    world.request(real, "tiny", |cx| count(cx)).1.unwrap()
}

fn set_timer(world: &World, kind: &str, due: DateTime<Utc>) {
    world.request(REAL, "tiny", |cx| cx.set_timer(kind, "", due)).1.unwrap();
}

#[test]
fn a_refusal_a_failure_and_a_panic_undo_the_work_and_nothing_else() {
    let world = worlds(7).create(default_spec(), REAL).unwrap();
    world.request(REAL, "tiny", |cx| add(cx, 1)).1.unwrap();
    let refused = world.request(REAL, "tiny", |cx| add(cx, 1).map_err(|_| "store").and(Err::<(), _>("refused"))).1;
    assert!(matches!(refused, Err(Failure::Refused("refused"))), "{refused:?}");
    assert_eq!(counted(&world, REAL), 1);
    let failed = world.request(REAL, "tiny", |cx| add(cx, 1).and_then(|()| cx.db.execute("nonsense", []))).1;
    assert!(matches!(failed, Err(Failure::Refused(_))), "{failed:?}");
    assert_eq!(counted(&world, REAL), 1);
    let panicked = world.request(REAL, "tiny", |cx| -> rusqlite::Result<()> {
        add(cx, 1)?;
        panic!("as it {}", "should")
    });
    assert!(matches!(&panicked.1, Err(Failure::Panicked(message)) if message == "as it should"), "{panicked:?}");
    assert_eq!(counted(&world, REAL), 1);
    world.request(REAL, "tiny", |cx| add(cx, 1)).1.unwrap();
    assert_eq!(counted(&world, REAL), 2);
}

#[test]
fn what_timers_did_is_kept_when_the_request_that_saw_them_fire_is_undone() {
    for case in ["refuses", "panics", "succeeds"] {
        let world = worlds(7).create(default_spec(), REAL).unwrap();
        set_timer(&world, "bump", later(60));
        let (now, _) = world.request(later(60), "tiny", |cx| {
            assert_eq!(count(cx).unwrap(), 10, "{case}: the timer fired before");
            add(cx, 1).unwrap();
            match case {
                "refuses" => Err(()),
                "panics" => panic!("as it should"),
                _ => Ok(()),
            }
        });
        assert_eq!(now, later(60), "{case}");
        assert_eq!(counted(&world, later(60)), if case == "succeeds" { 11 } else { 10 }, "{case}");
        assert_eq!(counted(&world, later(120)), if case == "succeeds" { 11 } else { 10 }, "{case}: it fires once");
    }
}

#[test]
fn a_timer_that_fails_or_panics_is_dropped_and_the_others_fire() {
    let world = worlds(7).create(default_spec(), REAL).unwrap();
    for (kind, due) in [("fails", 1), ("bump", 2), ("panics", 3), ("last", 4)] {
        set_timer(&world, kind, later(due));
    }
    world.tick(later(10));
    assert_eq!(counted(&world, REAL), 20, "the work of bump and last");
    world.tick(later(20));
    assert_eq!(counted(&world, REAL), 20);
}

#[test]
fn timers_fire_in_the_order_of_their_due_times_each_at_its_own() {
    let world = worlds(7).create(default_spec(), REAL).unwrap();
    for (kind, due) in [("c", 3), ("a", 1), ("same", 2), ("b", 2)] {
        set_timer(&world, kind, later(due));
    }
    let (clock, fired) = world.advance(TimeDelta::seconds(3), REAL).unwrap();
    let fired: Vec<_> = fired.iter().map(|timer| (timer.kind.as_str(), timer.due)).collect();
    assert_eq!(fired, [("a", later(1)), ("same", later(2)), ("b", later(2)), ("c", later(3))]);
    assert_eq!(clock.now, later(3));
}

#[test]
fn a_timer_set_again_is_moved_and_one_taken_back_never_fires() {
    let world = worlds(7).create(default_spec(), REAL).unwrap();
    set_timer(&world, "moved", later(1));
    set_timer(&world, "moved", later(100));
    set_timer(&world, "cancelled", later(1));
    world.request(REAL, "tiny", |cx| cx.cancel_timer("cancelled", "")).1.unwrap();
    assert_eq!(counted(&world, later(99)), 0);
    assert_eq!(counted(&world, later(100)), 10);
}

#[test]
fn what_was_due_before_the_clock_is_set_back_has_happened() {
    // Whether the tick came first must make no difference.
    for ticks in [true, false] {
        let world = worlds(7).create(default_spec(), REAL).unwrap();
        set_timer(&world, "bump", later(60));
        if ticks {
            world.tick(later(100));
        }
        world.set_clock(Some(later(10)), Some(Mode::Frozen), later(100)).unwrap();
        assert_eq!(counted(&world, later(100)), 10, "ticks: {ticks}");
        world.advance(TimeDelta::seconds(60), later(100)).unwrap();
        assert_eq!(counted(&world, later(100)), 10, "ticks: {ticks}");
    }
}

#[test]
fn draws_differ_from_request_to_request_and_follow_from_the_seed() {
    let draws = |seed| {
        let world = worlds(seed).create(default_spec(), REAL).unwrap();
        [(); 3].map(|()| world.request(REAL, "tiny", |cx| Ok::<_, ()>(cx.rng.uuid())).1.unwrap())
    };
    let first = draws(7);
    assert_eq!(first, draws(7));
    let mut all = [first, draws(8)].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6, "{all:?}");
}

#[test]
fn a_request_that_is_undone_does_not_give_its_draws_to_the_next() {
    let world = worlds(7).create(default_spec(), REAL).unwrap();
    let refused = world.request(REAL, "tiny", |cx| Err::<(), _>(cx.rng.uuid())).1;
    let Err(Failure::Refused(refused)) = refused else { panic!("{refused:?}") };
    assert_ne!(world.request(REAL, "tiny", |cx| Ok::<_, ()>(cx.rng.uuid())).1.unwrap(), refused);
}

#[test]
fn a_world_that_nobody_used_for_its_time_is_deleted_and_others_stay() {
    let worlds = worlds(7);
    worlds.create(default_spec(), REAL).unwrap();
    let brief = |name: &str| Spec { name: Some(name.to_owned()), idle_ttl: Some(TimeDelta::seconds(60)), ..Spec::default() };
    for name in ["unused", "requested", "moved", "set", "reset", "looked-at"] {
        worlds.create(brief(name), REAL).unwrap();
    }
    worlds.tick(later(60));
    assert_eq!(worlds.all().len(), 7, "not before its time");
    let world = |name: &str| worlds.get(name).unwrap();
    counted(&world("requested"), later(50));
    world("moved").advance(TimeDelta::seconds(1), later(50)).unwrap();
    world("set").set_clock(None, Some(Mode::Frozen), later(50)).unwrap();
    world("reset").reset(None, later(50)).unwrap();
    world("looked-at").now(later(50));
    world("unused").clock(later(50)); // a list of worlds shows it
    worlds.tick(later(61));
    let left: Vec<String> = worlds.all().iter().map(|world| world.name().to_owned()).collect();
    assert_eq!(left, [DEFAULT, "looked-at", "moved", "requested", "reset", "set"]);
    worlds.tick(later(111));
    assert_eq!(worlds.all().len(), 1, "only the default world is left");
}

#[test]
fn a_reset_world_holds_what_a_fresh_one_holds() {
    let fresh =
        |worlds: &Worlds| worlds.create(Spec { now: Some(REAL), mode: Some(Mode::Frozen), ..default_spec() }, REAL).unwrap();
    let (one, two) = (worlds(7), worlds(7));
    let (used, fresh) = (fresh(&one), fresh(&two));
    for _ in 0..10 {
        used.request(REAL, "tiny", |cx| add(cx, 1)).1.unwrap();
    }
    set_timer(&used, "bump", later(60));
    used.advance(TimeDelta::days(1), REAL).unwrap();
    assert_ne!(dump(&used), dump(&fresh));
    used.reset(None, later(5)).unwrap();
    assert_eq!(dump(&used), dump(&fresh));
}

/// All rows of all tables.
fn dump(world: &World) -> String {
    let read = |cx: &mut Cx<'_>| {
        let tables: Vec<String> = cx
            .db
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut text = String::new();
        for table in tables {
            let mut statement = cx.db.prepare(&format!("SELECT * FROM {table}"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let values =
                    (0..columns).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect::<rusqlite::Result<Vec<_>>>()?;
                text += &format!("{table} {values:?}\n");
            }
        }
        Ok::<_, rusqlite::Error>(text)
    };
    let text = world.request(REAL, "", read).1.unwrap();
    assert!(text.contains("tiny_count") && text.contains("world "), "{text}");
    text
}

#[test]
fn a_world_goes_on_in_its_file_with_timers_and_chance_and_what_was_due_meanwhile_fires() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.db");
    let open = |spec, real| worlds(7).open(&path, spec, real).unwrap();
    let world = open(default_spec(), REAL);
    set_timer(&world, "bump", later(60));
    let draw = |world: &World| world.request(REAL, "tiny", |cx| add(cx, 0).map(|()| cx.rng.uuid())).1.unwrap();
    let first = draw(&world);
    drop(world);
    let world = open(default_spec(), later(3600));
    assert_eq!(counted(&world, later(3600)), 10);
    assert_ne!(draw(&world), first);
    assert_eq!(world.seed(), 7);
}

#[test]
fn a_file_whose_creation_was_cut_short_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.db");
    drop(crate::world::store::open_file(&path).unwrap());
    assert!(std::fs::metadata(&path).unwrap().len() > 0);
    let world = worlds(7).open(&path, default_spec(), REAL).unwrap();
    assert_eq!(counted(&world, REAL), 0);
}

#[test]
fn a_clock_that_cannot_be_shown_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.db");
    drop(worlds(7).open(&path, default_spec(), REAL).unwrap());
    let before = std::fs::read(&path).unwrap();
    let spec = Spec { now: Some(from_millis(i64::from(i32::MAX) * 10_000)), ..default_spec() };
    assert!(worlds(7).open(&path, spec, REAL).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

mod states;
