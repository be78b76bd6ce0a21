//! What every store must do, as one suite that any of them can be run through.
//!
//! Each case opens a shop of its own in an empty store and panics where the store does not do as
//! it must. [`run`] runs them all; a test may as well call them one by one, for shorter words when
//! one fails. [`compare`] plays the same script to two stores.
#![expect(clippy::unwrap_used, reason = "a case is a test, and fails by panicking")]

pub mod access;
pub mod adding;
pub mod compare;
pub mod digest;
pub mod lists;
pub mod money;
pub mod nodes;
pub mod packages;
pub mod payments;
pub mod races;
pub mod renewal;
pub mod repetition;
pub mod replacing;
pub mod rotating;
pub mod rows;
pub mod served;
pub mod shop;
pub mod stock;
pub mod usage;

use crate::Store;

/// Makes an empty store.
pub type Make<'a> = dyn FnMut() -> Box<dyn Store> + 'a;

/// A case.
pub type Case = fn(&mut Make<'_>);

/// All cases by name.
pub const CASES: &[(&str, Case)] = &[
    ("customers_are_kept_and_listed", rows::customers_are_kept_and_listed),
    ("keys_are_kept_found_and_revoked", rows::keys_are_kept_found_and_revoked),
    ("operator_tokens_are_kept_and_revoked", rows::operator_tokens_are_kept_and_revoked),
    (
        "gateways_elsewhere_enrol_once_and_are_removed",
        nodes::gateways_elsewhere_enrol_once_and_are_removed,
    ),
    ("promo_codes_are_kept_and_shown", rows::promo_codes_are_kept_and_shown),
    ("catalogues_count_and_bad_ones_change_nothing", rows::catalogues_count),
    ("an_installation_keeps_its_nature", rows::an_installation_keeps_its_nature),
    ("an_order_charges_and_lets", money::an_order_charges_and_lets),
    ("every_kind_can_be_ordered_and_used", money::every_kind_can_be_ordered_and_used),
    ("an_extension_charges_and_moves", money::an_extension_charges_and_moves),
    ("promo_codes_are_counted", money::promo_codes_are_counted),
    ("commands_of_a_batch_see_each_other", money::commands_of_a_batch_see_each_other),
    ("what_is_refused_changes_nothing", money::what_is_refused_changes_nothing),
    ("the_charge_is_at_the_price_at_commit", money::the_charge_is_at_the_price_at_commit),
    ("looking_changes_nothing", money::looking_changes_nothing),
    ("a_lease_is_renewed_until_the_money_ends", renewal::a_lease_is_renewed),
    ("an_address_rests_before_it_is_let_again", renewal::an_address_rests),
    ("a_lease_without_reserve_is_over_at_once", renewal::no_reserve),
    ("orders_are_renewed_together", renewal::orders_are_renewed_together),
    ("what_is_due_is_never_found_late", renewal::what_is_due_is_never_found_late),
    ("a_key_answers_again_for_a_day", repetition::a_key_answers_again_for_a_day),
    ("a_key_belongs_to_its_request_and_customer", repetition::a_key_belongs_to_its_request),
    ("refusals_are_remembered", repetition::refusals_are_remembered),
    ("a_repeat_window_catches_repeats", repetition::a_repeat_window_catches_repeats),
    ("answers_that_were_lost_are_given_again", repetition::lost_answers_are_given_again),
    ("an_unclean_end_is_remembered", repetition::an_unclean_end_is_remembered),
    ("what_is_over_is_forgotten", repetition::what_is_over_is_forgotten),
    ("proxies_are_listed_in_pages", lists::proxies_are_listed_in_pages),
    ("what_has_ended_is_not_shown_as_live", lists::what_has_ended_is_not_shown_as_live),
    ("a_page_far_down_is_the_right_one", lists::a_page_far_down_is_the_right_one),
    ("entries_are_listed_in_pages", lists::entries_are_listed_in_pages),
    ("stock_is_added_once_and_counted", stock::stock_is_added_once_and_counted),
    ("stock_is_let_to_the_last_address", stock::stock_is_let_to_the_last_address),
    ("an_order_is_spread_over_networks", stock::an_order_is_spread_over_networks),
    ("a_prefix_is_drawn_to_its_last_address", stock::a_prefix_is_drawn_to_its_last_address),
    ("ports_are_given_to_the_last_pair", stock::ports_are_given_to_the_last_pair),
    ("a_modem_is_let_slot_by_slot", stock::a_modem_is_let_slot_by_slot),
    ("what_is_added_at_once_is_all_there", adding::what_is_added_at_once_is_all_there),
    ("addresses_delivered_at_once_are_added_once", adding::addresses_delivered_at_once),
    ("a_package_is_served_by_its_countries", packages::a_package_is_served_by_its_countries),
    ("a_package_is_extended_whole", packages::a_package_is_extended_whole),
    ("a_package_is_what_the_catalogue_says", packages::a_package_is_what_the_catalogue_says),
    ("a_package_is_ordered_once_under_its_key", packages::a_package_is_ordered_once),
    ("packages_are_spread_under_load", packages::packages_are_spread_under_load),
    ("a_top_up_is_credited_once", payments::a_top_up_is_credited_once),
    ("a_card_pays_for_all_or_nothing", payments::a_card_pays_for_all_or_nothing),
    ("an_instruction_keeps_its_card", payments::an_instruction_keeps_its_card),
    ("a_low_wallet_is_found", payments::a_low_wallet_is_found),
    ("an_order_has_its_authorisations", access::an_order_has_its_authorisations),
    ("authorisations_are_changed_and_deleted", access::authorisations_are_changed_and_deleted),
    ("a_login_has_one_owner", access::a_login_has_one_owner),
    ("authorisations_are_listed_in_pages", access::authorisations_are_listed_in_pages),
    ("comments_are_kept", access::comments_are_kept),
    ("an_address_is_replaced", replacing::an_address_is_replaced),
    ("a_replacement_is_drawn_and_has_its_port", replacing::a_replacement_is_drawn),
    ("a_replacement_is_answered_again", replacing::a_replacement_is_answered_again),
    ("the_last_replacement_has_one_winner", replacing::the_last_replacement_has_one_winner),
    ("leases_are_served_as_they_are_shown", served::leases_are_served_as_they_are_shown),
    ("pages_hold_live_leases_and_reserved_ones", served::pages_hold_live_leases_and_reserved_ones),
    ("what_is_served_changes_with_the_books", served::what_is_served_changes_with_the_books),
    ("limits_are_kept_and_served", served::limits_are_kept_and_served),
    ("the_feed_tells_its_end", served::the_feed_tells_its_end),
    ("usage_is_counted_once", usage::usage_is_counted_once),
    ("usage_is_counted_once_from_many_sides", usage::usage_is_counted_once_from_many_sides),
    ("a_large_report_is_taken_part_by_part", usage::a_large_report_is_taken_part_by_part),
    ("usage_is_listed_in_pages_and_forgotten", usage::usage_is_listed_in_pages_and_forgotten),
    ("a_modem_is_rotated", rotating::a_modem_is_rotated),
    ("rotations_end_in_any_case", rotating::rotations_end_in_any_case),
    ("timers_links_and_modems_are_kept", rotating::timers_links_and_modems_are_kept),
    ("one_rotation_at_a_time_under_load", rotating::one_rotation_at_a_time_under_load),
    ("the_last_address_has_one_winner", races::the_last_address_has_one_winner),
    ("money_for_some_pays_for_no_more", races::money_for_some_pays_for_no_more),
    ("promo_limits_hold_under_load", races::promo_limits_hold_under_load),
    ("one_key_spends_once_under_load", races::one_key_spends_once_under_load),
];

/// Runs every case, each in a store of its own.
pub fn run(make: &mut Make<'_>) {
    for (name, case) in CASES {
        eprintln!("conformance: {name}");
        case(make);
    }
}
