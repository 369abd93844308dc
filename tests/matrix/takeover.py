"""Claims of routing: what it learns from traffic, who takes over, who goes."""

from typing import Final

from tests.matrix.row import Row

_JUDGED: Final = "flow/test_judged.py::"

ROWS: Final = (
    Row(
        "routing",
        "records keep of a prompt what can be learned from: nothing, counts, or words",
        (
            "flow/test_collect.py::test_nothing_is_kept_unless_said",
            "flow/test_collect.py::"
            "test_a_sketch_is_of_what_was_asked_last_and_holds_no_word",
            "flow/test_collect.py::test_words_are_kept_redacted_where_text_is_wanted",
        ),
        ("routing.collect",),
    ),
    Row(
        "routing",
        "traffic and feedback become a table, the table a router that takes over by"
        " evidence, saves, and is rolled back when it no longer holds its promise",
        ("flow/test_loop.py::test_the_loop_closes",),
    ),
    Row(
        "routing",
        "a model judges recorded answers through the gateway, within a budget",
        (
            "flow/test_judge.py::"
            "test_answers_are_judged_once_and_for_no_more_than_the_budget",
        ),
        ("routing.judge",),
    ),
    Row(
        "routing",
        "a trained router counts with the prices of now, each deployment's own",
        (
            "flow/test_prices.py::"
            "test_another_price_is_another_decision_without_learning_again",
            "flow/test_prices.py::"
            "test_a_version_is_judged_at_the_prices_of_the_rows_that_judge_it",
            "routing/learned/test_prices.py::"
            "test_so_many_times_the_price_is_so_many_times_the_cost",
            "routing/learned/test_watch.py::test_another_price_is_no_fault",
        ),
        ("routeiq routing dataset",),
    ),
    Row(
        "routing",
        "every trained kind is judged as it will decide, and rolled back out of its band",
        (
            "flow/test_kinds.py::test_all_who_decide_by_a_version_are_judged",
            "flow/test_kinds.py::test_kinds_are_named_one_by_one_too",
            "flow/test_kinds.py::test_out_of_its_band_every_kind_is_rolled_back",
            "flow/test_kinds.py::test_of_what_nobody_judged_nothing_is_expected",
        ),
        ("routeiq routing promote --config",),
    ),
    Row(
        "routing",
        "cascades are judged before they serve, and rolled back when answers by them cost"
        " too much; what nobody could judge does not serve",
        (
            f"{_JUDGED}test_where_nobody_knows_who_agreed_cascades_do_not_serve",
            f"{_JUDGED}test_force_lets_nothing_serve_that_nobody_could_judge",
            f"{_JUDGED}test_who_asks_for_no_cascade_is_judged_without",
            f"{_JUDGED}test_cascades_that_were_judged_serve_until_they_cost_too_much",
            f"{_JUDGED}test_agreement_that_is_simulated_is_said_to_be",
            f"{_JUDGED}test_routers_are_compared_by_what_they_would_really_do",
            "routing/lab/test_choices.py::test_what_is_judged_is_what_serves",
        ),
        ("routeiq routing promote --no-cascades",),
    ),
    Row(
        "routing",
        "fault 38: an artifact that must not serve does not, and no request notices",
        (
            "flow/test_promotion.py::"
            "test_what_must_not_serve_does_not_and_no_request_notices",
            "flow/test_promotion.py::test_who_answers_too_late_does_not_decide",
            "flow/test_heavy.py::"
            "test_what_takes_seconds_is_refused_while_others_are_served",
            "flow/test_heavy.py::"
            "test_after_one_late_decision_the_rules_decide_and_no_request_fails",
            "routing/learned/test_shelf.py::"
            "test_after_one_late_decision_the_rules_decide_for_a_while",
            "flow/test_promotion.py::"
            "test_exchanged_under_load_no_request_fails_and_none_is_decided_by_two",
            "flow/test_exchange.py::test_hundreds_are_asked_while_versions_come_and_go",
        ),
    ),
    Row(
        "routing",
        "what is late again and again is asked ever less, another artifact at once",
        (
            "flow/test_heavy.py::test_what_is_late_again_and_again_rests_ever_longer",
            "flow/test_heavy.py::test_another_artifact_need_not_rest",
        ),
    ),
    Row(
        "routing",
        "fault 39: false votes weigh no more than a share, and what was learned from"
        " them is refused by the gate",
        (
            "routing/lab/test_votes.py::"
            "test_a_hundred_thousand_false_votes_weigh_as_much_as_the_honest",
            "flow/test_promotion.py::test_a_version_serves_once_evidence_lets_it_in",
            "flow/test_poison.py::"
            "test_a_hundred_thousand_false_votes_do_not_get_a_router_in",
            "flow/test_poison.py::"
            "test_what_is_said_again_or_of_others_or_of_times_to_come_is_not_heard",
            "flow/test_poison.py::"
            "test_one_key_takes_out_nothing_that_others_are_content_with",
        ),
    ),
    Row(
        "routing",
        "who runs the gateway may say that it look for another artifact now",
        (
            "flow/test_promotion.py::test_the_operator_may_say_look_now",
            "flow/test_exchange.py::test_who_is_asked_to_look_tells_the_other_worker",
        ),
        ("POST /v1/routing/reload",),
    ),
)
