"""Claims of routing: who is asked first, and why."""

from typing import Final

from tests.matrix.row import Row

_FLOW: Final = "flow/test_strategies.py::"

ROWS: Final = (
    Row(
        "routing",
        "the cheapest deployment that keeps a latency target goes first",
        (f"{_FLOW}test_the_cheapest_that_keeps_the_target_serves",),
    ),
    Row(
        "routing",
        "usage: most room under the limits goes first",
        (f"{_FLOW}test_usage_goes_where_most_room_is_left",),
    ),
    Row(
        "routing",
        "cost_quality: the cheapest that is good enough, as good as the client says",
        (f"{_FLOW}test_cost_quality_takes_the_cheapest_that_is_good_enough",),
        ("routing.strategies",),
    ),
    Row(
        "routing",
        "rules: tags, words, instructions and client programs choose",
        (
            f"{_FLOW}test_the_first_rule_that_fits_decides",
            f"{_FLOW}test_a_rule_may_leave_nobody_else",
        ),
    ),
    Row(
        "routing",
        "a conversation keeps its deployment over its turns",
        (
            f"{_FLOW}test_a_conversation_keeps_its_deployment",
            f"{_FLOW}test_a_conversation_may_have_a_name",
        ),
    ),
    Row(
        "routing",
        "a prompt goes where its beginning is cached, while that is the cheaper way",
        (f"{_FLOW}test_a_prompt_goes_where_its_beginning_is_cached",),
    ),
    Row(
        "routing",
        "several strategies count together",
        (f"{_FLOW}test_a_blend_counts_each",),
    ),
    Row(
        "routing",
        "A/B: every subject keeps its arm; shadows are recorded and decide nothing",
        (f"{_FLOW}test_an_experiment_gives_every_user_an_arm_for_good",),
    ),
    Row(
        "routing",
        "regions, prices, tiers and keys that must hold fail closed, each by name",
        (
            f"{_FLOW}test_what_a_model_requires_takes_the_others_out",
            f"{_FLOW}test_a_region_that_nobody_is_in_is_refused_and_nothing_sent",
            "flow/test_keys.py::test_a_key_is_sent_nowhere_else",
        ),
        ("routeiq keys create --only",),
    ),
    Row(
        "routing",
        "a picture is shown to who can see, as far as the catalogue knows",
        (
            f"{_FLOW}test_who_cannot_see_is_not_shown_a_picture",
            f"{_FLOW}test_who_can_do_it_is_asked_in_every_dialect",
        ),
    ),
    Row(
        "routing",
        "a client steers one request: strategy, pin, quality, price, region, tier",
        (
            f"{_FLOW}test_a_client_names_strategy_and_deployment",
            f"{_FLOW}test_a_wish_that_is_none_is_refused",
        ),
    ),
    Row(
        "routing",
        "the whole decision is told without sending anything, in every dialect",
        (
            f"{_FLOW}test_a_dry_run_sends_nothing_in_any_dialect",
            f"{_FLOW}test_a_body_of_any_dialect_is_explained",
            f"{_FLOW}test_the_explanation_shows_the_shape_of_a_prompt_and_none_of_its_words",
        ),
        ("POST /v1/routing/explain",),
    ),
    Row(
        "routing",
        "the command line tells the decision, of a file or a running gateway",
        (
            "flow/test_route.py::test_a_file_tells_the_decision",
            "flow/test_route.py::test_wishes_are_options_and_json_is_for_programs",
            "flow/test_route.py::test_a_running_gateway_is_asked",
        ),
        ("routeiq route explain",),
    ),
    Row(
        "routing",
        "strategies of other distributions join; what cannot be made is told by check",
        (
            "flow/test_route.py::test_a_strategy_of_another_distribution_decides",
            "flow/test_route.py::test_what_cannot_be_made_is_told_by_check",
        ),
    ),
)
