//! A machine that is cut off from the store for a while, and answers that come late or in part: the machine gets its token,
//! and afterwards agrees with the others (F4, F5).

use std::time::Duration;

use serde_json::json;
use wx_token_testing::php::{Answer, Callers, GET, Php};
use wx_token_testing::proxy::{Proxy, Script, Way};
use wx_token_testing::{now_ms, print_waits, until};

use crate::fleet::{EXPIRED, Fleet, all};
use crate::watch::Watch;

const STORE_TIMEOUT: Duration = Duration::from_millis(300);

/// For a busy machine.
const SLACK_MS: f64 = 4000.0;

/// Two machines: the way of the second one to the store is the proxy.
fn fleet(endpoint: &str) -> (Fleet, Proxy) {
    let mut fleet = Fleet::of(2);
    fleet.world.set("endpoint", endpoint);
    fleet.world.set("store_timeout", &STORE_TIMEOUT.as_secs_f64().to_string());
    fleet.world.set("timeout", "1");
    fleet.write(EXPIRED);
    let proxy = Proxy::start(fleet.redis.port);
    (fleet, proxy)
}

fn cut_off(fleet: &Fleet, proxy: &Proxy) -> Php {
    fleet.world.php().with(&format!("wx_token.store={}", proxy.url()))
}

fn assert_agreement(fleet: &mut Fleet, proxy: &Proxy) {
    fleet.world.set("store_revalidate", "0.1");
    let second = cut_off(fleet, proxy);
    until("both machines have one token", || {
        let answers = [fleet.call(0), fleet.call_by(&second, 1)];
        assert!(answers.iter().all(|answer| fleet.world.is_live(answer.token())));
        fleet.stored(0) == fleet.stored(1) && !fleet.field("tok").is_empty()
    });
}

#[test]
fn a_machine_whose_answers_are_lost_fetches_once_and_agrees_when_they_arrive_again() {
    for endpoint in ["stable", "classic"] {
        let (mut fleet, proxy) = fleet(endpoint);
        let watch = Watch::start(&fleet);
        proxy.set(Way::OneWay);
        // It has its turn in the store, and does not know.
        let answer = fleet.call_by(&cut_off(&fleet, &proxy), 1);
        assert!(fleet.world.is_live(answer.token()));
        print_waits(&format!("its answers are lost, {endpoint}"), &[answer]);
        let waited = fleet.call(0);
        print_waits(&format!("its lease is waited for, {endpoint}"), &[waited]);
        assert_eq!(fleet.world.fetches(), 2, "{endpoint}");
        assert_eq!(proxy.count(Script::Put), 0);
        proxy.set(Way::Open);
        assert_agreement(&mut fleet, &proxy);
        assert_eq!(fleet.world.fetches(), 2, "{endpoint}");
        watch.assert_order(&fleet);
    }
}

#[test]
fn a_store_whose_answers_are_lost_is_left_alone_for_a_while() {
    let (mut fleet, proxy) = fleet("stable");
    fleet.world.set("store_revalidate", "0");
    let second = cut_off(&fleet, &proxy);
    proxy.set(Way::OneWay);
    let token = fleet.call_by(&second, 1).token().to_owned();
    until("a call was made while the store is left alone", || {
        let before = proxy.connections();
        let broken_until = fleet.knowledge(1)["broken_until_ms"].as_u64().expect("a time");
        assert_eq!(fleet.call_by(&second, 1).token(), token);
        let was_meanwhile = now_ms() < u128::from(broken_until);
        assert!(!was_meanwhile || proxy.connections() == before, "it was asked");
        was_meanwhile
    });
}

#[test]
fn a_token_that_was_replaced_while_a_machine_was_cut_off_reaches_it_afterwards() {
    for way in [Way::Swallow, Way::OneWay, Way::Reset] {
        let (mut fleet, proxy) = fleet("classic");
        let second = cut_off(&fleet, &proxy);
        let old = fleet.call(0).token().to_owned();
        assert_eq!(fleet.call_by(&second, 1).token(), old);
        let watch = Watch::start(&fleet);
        proxy.set(way);
        let new = fleet.call_of(0, &format!("wx_refresh_token($file, '{old}')")).token().to_owned();
        assert_ne!(new, old);
        fleet.world.set("store_revalidate", "0");
        assert_eq!(
            fleet.call_by(&cut_off(&fleet, &proxy), 1).token(),
            old,
            "{way:?}: it cannot know"
        );
        proxy.set(Way::Open);
        assert_agreement(&mut fleet, &proxy);
        assert_eq!(fleet.stored(1), new, "{way:?}");
        assert_eq!(fleet.world.fetches(), 2, "{way:?}");
        watch.assert_order(&fleet);
    }
}

#[test]
fn a_store_that_has_an_older_token_than_the_machine_gives_it_to_nobody_who_was_rejected() {
    let (fleet, proxy) = fleet("classic");
    let second = cut_off(&fleet, &proxy);
    let refresh = |rejected: &str| {
        let call = format!("wx_refresh_token($file, '{rejected}')");
        second.call(&fleet.machines[1], &call).token().to_owned()
    };
    let oldest = fleet.call_by(&second, 1).token().to_owned();
    // It was fetched a while ago.
    let stamp: u128 = fleet.field("stamp").parse().expect("a stamp");
    fleet.set_field("stamp", &(stamp - 10_000).to_string());
    proxy.set(Way::Swallow);
    let newer = refresh(&oldest);
    proxy.set(Way::Open);
    let broken_until = fleet.knowledge(1)["broken_until_ms"].as_u64().expect("a time");
    until("the store is asked again", || now_ms() > u128::from(broken_until));
    fleet.world.emulator.invalidate_all();
    let newest = refresh(&newer);
    assert!(fleet.world.is_live(&newest), "the oldest one came back: {}", newest == oldest);
    assert_eq!(fleet.world.fetches(), 3);
    assert_eq!(fleet.call(0).token(), newest);
}

#[test]
fn answers_that_come_about_when_they_are_given_up_cost_nobody_a_token() {
    let shares: &[u32] = if all() { &[50, 80, 95, 100, 105, 150] } else { &[80, 105] };
    for (share, endpoint) in
        shares.iter().flat_map(|share| [(*share, "stable"), (*share, "classic")])
    {
        let (mut fleet, proxy) = fleet(endpoint);
        let watch = Watch::start(&fleet);
        proxy.set(Way::Delay(STORE_TIMEOUT * share / 100));
        let second = cut_off(&fleet, &proxy);
        let ready = [(fleet.world.php(), 0), (second, 1)]
            .map(|(php, machine)| Callers::start(&php, &fleet.machines[machine], GET, 2));
        let callers: Vec<_> = ready.into_iter().flat_map(Callers::release_only).collect();
        let answers: Vec<_> = callers.into_iter().map(Answer::of).collect();
        print_waits(&format!("answers after {share} % of the limit, {endpoint}"), &answers);
        for answer in &answers {
            assert!(fleet.world.is_live(answer.token()));
            // A fetch, two uses of the store, and the lease of one who never learned that it has it.
            let bound = 200.0 + 600.0 + 2600.0 + SLACK_MS;
            assert!(answer.milliseconds < bound, "{} ms", answer.milliseconds);
        }
        assert!(fleet.world.fetches() <= 2, "{share} %, {endpoint}");
        proxy.set(Way::Open);
        assert_agreement(&mut fleet, &proxy);
        watch.assert_order(&fleet);
    }
}

/// How much of an answer arrives: nothing, its type, half a header, and most of a short one.
const PARTS: [usize; 4] = [0, 1, 6, 17];

#[test]
fn an_answer_that_ends_in_the_middle_costs_nobody_a_token() {
    let endpoints: &[&str] = if all() { &["stable", "classic"] } else { &["classic"] };
    for (part, endpoint) in
        PARTS.into_iter().flat_map(|part| endpoints.iter().map(move |endpoint| (part, *endpoint)))
    {
        for script in [Script::Take, Script::Put, Script::Sync] {
            let (mut fleet, proxy) = fleet(endpoint);
            let second = cut_off(&fleet, &proxy);
            let watch = Watch::start(&fleet);
            proxy.set_for(script, Way::Cut(part));
            if script == Script::Sync {
                fleet.call_by(&second, 1);
                fleet.world.set("store_revalidate", "0");
            }
            let second = cut_off(&fleet, &proxy);
            let token = fleet.call_by(&second, 1).token().to_owned();
            assert!(fleet.world.is_live(&token), "{script:?}, {part} bytes");
            assert_eq!(fleet.world.fetches(), 1, "{script:?}, {part} bytes");
            assert_eq!(proxy.count(script), 1, "{script:?}, {part} bytes");
            proxy.set(Way::Open);
            assert_agreement(&mut fleet, &proxy);
            watch.assert_order(&fleet);
        }
    }
}

#[test]
fn a_failure_whose_receipt_is_lost_is_shared_all_the_same() {
    for part in PARTS {
        let (mut fleet, proxy) = fleet("stable");
        fleet.world.set("secret", "wrong");
        proxy.set_for(Script::Fail, Way::Cut(part));
        let mine = fleet.call_by(&cut_off(&fleet, &proxy), 1);
        let others = fleet.call(0);
        for answer in [&mine, &others] {
            assert_eq!(answer.property("code"), &json!(40125), "{}", answer.message());
        }
        assert_eq!((fleet.world.fetches(), proxy.count(Script::Fail)), (1, 1), "{part} bytes");
    }
}
