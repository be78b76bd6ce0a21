//! Which test covers what: the rows of bad input for a gateway, and the kinds of mistakes that other
//! proxies have made, each with tests that would find it here. That these exist is checked.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

/// Bad input over HTTP and SOCKS5, and what proves its answer.
const ROWS: &[(&str, &[&str])] = &[
    ("GH-01 no credentials", &["without_right_credentials_nothing_is_connected"]),
    ("GH-02 wrong password, another's", &["without_right_credentials_nothing_is_connected"]),
    (
        "GH-03 half credentials, bad base64",
        &["everything_else_is_unreadable", "nobody_without_a_right_makes_it_connect_or_send"],
    ),
    (
        "GH-04 schemes",
        &[
            "the_scheme_may_be_written_in_any_case",
            "without_right_credentials_nothing_is_connected",
        ],
    ),
    ("GH-05 credentials twice", &["without_right_credentials_nothing_is_connected"]),
    (
        "GH-06 CONNECT inside",
        &["closed_destinations_are_not_connected", "no_spelling_reaches_a_service_inside"],
    ),
    ("GH-07 port 25", &["closed_destinations_are_not_connected"]),
    (
        "GH-08 no port, 0, 65536",
        &["closed_destinations_are_not_connected", "a_port_is_plain_digits"],
    ),
    (
        "GH-09 what the origin sees",
        &["the_destination_sees_a_client_without_a_proxy", "no_request_has_two_ends"],
    ),
    ("GH-10 origin form", &["targets_of_other_kinds_are_refused"]),
    (
        "GH-11 Host",
        &[
            "requests_that_mean_two_things_are_refused",
            "the_destination_sees_a_client_without_a_proxy",
        ],
    ),
    (
        "GH-12 two lengths",
        &["no_request_has_two_ends", "requests_that_mean_two_things_are_refused"],
    ),
    ("GH-13 TRACE", &["some_methods_are_nobodys"]),
    (
        "GH-14 destinations that fail",
        &[
            "a_destination_that_does_not_answer_is_told_apart_from_one_that_refuses",
            "only_judged_addresses_come_out",
            "no_refusal_repeats_what_a_client_said",
        ],
    ),
    (
        "GH-15 large heads",
        &["heads_have_bounds", "a_head_may_come_byte_by_byte_but_not_without_end"],
    ),
    (
        "GH-16 407 of an origin",
        &["no_refusal_repeats_what_an_origin_said", "responses_that_mean_two_things_are_refused"],
    ),
    (
        "GH-17 TLS with CONNECT",
        &["what_a_client_sends_too_early_arrives_once_and_after_the_answer"],
    ),
    ("GH-18 bytes behind a refused CONNECT", &["bytes_behind_a_refused_request_are_no_request"]),
    ("GH-19 an ended lease", &["tunnels_end_with_their_lease_and_no_new_ones_begin"]),
    (
        "GH-20 half-closed after the request",
        &[
            "a_client_that_has_said_all_still_gets_its_answer",
            "the_answer_comes_although_the_client_has_closed_its_side",
        ],
    ),
    ("GH-21 other schemes, user names", &["targets_of_other_kinds_are_refused"]),
    ("GH-22 the other family", &["an_exit_of_one_family_never_reaches_the_other"]),
    ("GS-01 no method that will do", &["nobody_gets_in_without_the_right_login"]),
    ("GS-02 both orders", &["a_login_opens_a_tunnel_in_both_orders_of_methods"]),
    ("GS-03 wrong and empty logins", &["nobody_gets_in_without_the_right_login"]),
    (
        "GS-04 no methods, version 4",
        &["nobody_gets_in_without_the_right_login", "a_listener_speaks_what_it_is_told_to"],
    ),
    ("GS-05 an authorised address", &["the_source_is_enough_where_it_is_authorised"]),
    ("GS-06 commands", &["other_commands_and_addresses_are_refused", "only_those_may_who_have_it"]),
    ("GS-07 kinds of addresses", &["other_commands_and_addresses_are_refused"]),
    (
        "GS-08 inside",
        &["other_commands_and_addresses_are_refused", "no_spelling_reaches_a_service_inside"],
    ),
    ("GS-09 ports 0 and 25", &["other_commands_and_addresses_are_refused"]),
    (
        "GS-10 long and empty names",
        &["other_commands_and_addresses_are_refused", "a_request_is_read_however_it_arrives"],
    ),
    (
        "GS-11 byte by byte",
        &["who_is_slow_is_closed", "clients_that_dribble_or_say_nothing_are_gone_on_time"],
    ),
    (
        "GS-12 a command before a login",
        &[
            "nobody_gets_in_without_the_right_login",
            "nobody_without_a_right_makes_it_connect_or_send",
        ],
    ),
];

/// Kinds of mistakes.
const KINDS: &[(&str, &[&str])] = &[
    ("K1 both framing fields", &["no_request_has_two_ends", "no_response_has_two_ends"]),
    (
        "K2 two lengths, a space before the colon",
        &["no_request_has_two_ends", "fields_are_written_in_one_way"],
    ),
    ("K3 chunked in other cases", &["the_only_coding_is_chunked", "no_request_has_two_ends"]),
    ("K4 empty, signed, spaced lengths", &["lengths_are_plain_numbers", "no_request_has_two_ends"]),
    ("K5 an empty name", &["fields_are_written_in_one_way"]),
    ("K6 sizes of chunks that overflow", &["sizes_are_plain_hexadecimal"]),
    (
        "K7 HTTP/1.0 and codings",
        &["no_old_request_is_in_chunks", "responses_that_mean_two_things_are_refused"],
    ),
    (
        "K8 bytes behind Upgrade and CONNECT",
        &[
            "websocket_takes_over_only_when_both_agree",
            "bytes_behind_a_refused_request_are_no_request",
        ],
    ),
    (
        "K9 nominated fields",
        &["options_are_tokens_in_a_list", "requests_that_mean_two_things_are_refused"],
    ),
    (
        "K10 a body that is no request",
        &["no_request_has_two_ends", "an_answer_that_comes_before_the_body_ends_the_conversation"],
    ),
    (
        "K11 Host and target",
        &[
            "the_destination_sees_a_client_without_a_proxy",
            "requests_that_mean_two_things_are_refused",
        ],
    ),
    (
        "K12 credentials of any form",
        &["everything_else_is_unreadable", "nobody_without_a_right_makes_it_connect_or_send"],
    ),
    ("K13 fields that name themselves", &["no_request_has_two_ends"]),
    (
        "K14 answers that leak",
        &["no_refusal_repeats_what_a_client_said", "no_refusal_repeats_what_an_origin_said"],
    ),
    ("K15 an origin that asks for credentials", &["no_refusal_repeats_what_an_origin_said"]),
    (
        "K16 a way around authentication",
        &["nobody_without_a_right_makes_it_connect_or_send", "each_request_is_admitted_by_itself"],
    ),
    (
        "K17 datagrams of strangers",
        &[
            "nobody_else_is_heard_at_the_entry",
            "nobody_else_is_heard_at_the_exit",
            "nobody_without_a_right_makes_it_connect_or_send",
        ],
    ),
    (
        "K18 its own loopback",
        &["no_spelling_reaches_a_service_inside", "no_name_leads_to_a_service_inside"],
    ),
    (
        "K19 addresses judged as text",
        &[
            "no_spelling_of_an_inner_address_is_let_through",
            "every_ipv4_address_is_judged_alike_bare_and_wrapped",
            "the_public_internet_is_open",
        ],
    ),
    ("K20 ports that wrap", &["a_port_is_plain_digits", "ports_are_judged_by_number"]),
    (
        "K21 suffixes, literals, times",
        &["patterns_end_on_a_label", "usual_targets_are_read", "only_judged_addresses_come_out"],
    ),
    (
        "K22 datagrams that are cut, names with anything",
        &["everything_else_goes_nowhere", "what_is_no_host_name_is_refused", "socks5"],
    ),
    (
        "K23 small input that costs much",
        &["what_is_thrown_away_is_bounded", "conversations", "who_waits_for_his_turn_waits_asleep"],
    ),
    (
        "K24 no bounds in size and time",
        &[
            "heads_have_bounds",
            "nobody_is_waited_for_without_end",
            "clients_that_dribble_or_say_nothing_are_gone_on_time",
        ],
    ),
    (
        "K29 a limit that parallel flows pass",
        &["threads_take_no_more_than_there_is", "a_lease_has_so_many_flows_at_a_time"],
    ),
    (
        "K38 leases that go on after their end",
        &[
            "tunnels_end_with_their_lease_and_no_new_ones_begin",
            "a_lease_that_ends_soon_after_it_is_used_ends_on_time",
            "of_a_lease_that_has_ended_nothing_arrives_that_is_under_way",
        ],
    ),
    (
        "K42 names that are numbers",
        &["no_name_is_a_number_to_anybody", "spellings_of_numbers_are_no_names"],
    ),
];

/// All Rust files below `folder`, one behind the other.
fn sources(folder: &std::path::Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *all += &std::fs::read_to_string(path).unwrap();
        }
    }
}

#[test]
fn every_row_has_a_test() {
    let (here, mut all) = (std::path::Path::new(env!("CARGO_MANIFEST_DIR")), String::new());
    sources(&here.join("src"), &mut all);
    sources(&here.join("tests"), &mut all);
    for (row, tests) in ROWS.iter().chain(KINDS) {
        for test in *tests {
            assert!(all.contains(&format!("fn {test}(")), "{row}: there is no {test}");
        }
    }
}
