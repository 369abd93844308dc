"""Claims of routing: who is asked first, and why."""

from typing import Final

from tests.matrix.row import Row

_CONDUCT: Final = "flow/test_conduct.py::"
_EXTERNAL: Final = "flow/test_external.py::"
_CASCADE: Final = "flow/test_cascade.py::"
_GATED: Final = "flow/test_gated.py::"
_FLOW: Final = "flow/test_strategies.py::"

ROWS: Final = (
    Row(
        "routing",
        "a trained router chooses for each prompt: one model alone, or a cascade",
        (
            f"{_GATED}test_the_router_chooses_a_cascade_or_one_alone",
            f"{_GATED}test_where_they_differ_the_dear_one_is_asked",
            f"{_GATED}test_a_stream_is_told_when_it_is_whole",
            f"{_GATED}test_the_explanation_tells_it_and_asks_nobody",
            f"{_GATED}test_what_one_must_answer_is_asked_of_one",
            f"{_GATED}test_a_picture_is_shown_to_one",
            f"{_GATED}test_tokens_end_it_as_they_end_any_cascade",
            f"{_GATED}test_who_fails_is_passed_by",
            f"{_GATED}test_a_member_that_is_not_there_leaves_no_cascade",
            f"{_GATED}test_a_member_that_is_left_alone_leaves_no_cascade",
            f"{_GATED}test_an_artifact_without_cascades_or_none_at_all_asks_one",
            f"{_GATED}test_the_router_alone_never_asks_two",
            f"{_GATED}test_who_is_explored_is_asked_alone",
        ),
        ("routeiq routing train --cascade",),
    ),
    Row(
        "routing",
        "metrics say who decided by what, what serves, how predictions and scores fare",
        (
            "flow/test_learning_metrics.py::test_what_serves_and_who_decided_is_told",
            "flow/test_learning_metrics.py::"
            "test_scores_are_counted_by_what_became_of_them",
            "flow/test_learning_metrics.py::"
            "test_what_was_predicted_stands_beside_what_was_observed",
            "flow/test_learning_metrics.py::test_labels_are_names_of_the_configuration",
        ),
        ("GET /metrics",),
    ),
    Row(
        "routing",
        "a judge is shown recorded answers of every dialect, whole or streamed",
        (
            "flow/test_judge.py::test_answers_in_every_dialect_are_read",
            "flow/test_records.py::"
            "test_what_is_kept_of_an_event_stream_is_text_and_redacted",
            "gateway/cli/test_routing_answers.py::"
            "test_the_words_of_the_first_answer_are_read",
        ),
    ),
    Row(
        "routing",
        "what a judge says teaches those who learn while serving, bounded and once",
        (
            "flow/test_judge.py::test_what_a_judge_says_teaches_once_and_no_more_than_a_key",
        ),
        ("routeiq routing judge",),
    ),
    Row(
        "routing",
        "a key that scores another's answer is refused at once, whoever learns",
        (
            "flow/test_feedback.py::test_only_its_own_answers_are_scored_by_a_key",
            "flow/test_learning.py::test_a_key_scores_its_own_answers_only",
        ),
        ("POST /v1/feedback",),
    ),
    Row(
        "routing",
        "router_r1: the client's max_tokens and max-cost hold, thoughts are bounded",
        (
            f"{_CONDUCT}test_an_answer_is_no_longer_than_the_client_allows",
            f"{_CONDUCT}test_an_answer_that_was_cut_off_says_so",
            f"{_CONDUCT}test_a_thinker_that_takes_too_many_tokens_is_left",
            f"{_CONDUCT}test_a_thinker_that_takes_too_long_is_left",
            f"{_CONDUCT}test_what_may_be_paid_holds_for_all_turns",
        ),
    ),
    Row(
        "routing",
        "an answer by several calls: each has a limit, all cost what the client allows",
        (
            f"{_CONDUCT}test_no_sum_of_calls_is_dearer_than_the_client_allows",
            f"{_CONDUCT}test_parts_share_the_tokens_that_are_left",
            f"{_CONDUCT}test_who_may_not_be_asked_has_not_failed",
            f"{_CONDUCT}test_what_is_cut_off_says_so",
            f"{_CASCADE}test_a_verdict_that_is_cut_off_is_none",
        ),
    ),
    Row(
        "routing",
        "an `only` holds below other strategies, and where one deployment is left",
        (
            "flow/test_noes.py::test_a_no_holds_below_every_kind",
            "routing/test_noes.py::test_whoever_asks_another_keeps_to_its_no",
            "routing/test_noes.py::test_what_is_remembered_is_no_way_around_a_no",
        ),
    ),
    Row(
        "routing",
        "What is saved on a table with nothing learned of it is told: by kinds of"
        " prompts, by a cascade",
        (
            "gateway/cli/test_routing.py::test_untrained_says_what_is_saved_with_nothing_learned",
            "routing/lab/test_untrained.py::test_who_knows_the_prompts_beats_the_lot",
            "routing/lab/test_untrained.py::test_a_cascade_asks_the_dearest_where_the_cheap_differ",
            "routing/lab/test_untrained.py::test_bench_routing_makes_a_page_of_each_table_and_one_of_all",
        ),
        ("routeiq routing untrained",),
    ),
    Row(
        "routing",
        "compare tells what one router does better than another, beyond chance",
        (
            "routing/lab/test_compare.py::test_the_command_tells_the_better_of_two",
            "routing/lab/test_compare.py::test_what_is_clear_is_told",
            "routing/lab/test_compare.py::test_what_cannot_be_compared_is_told",
        ),
        ("routeiq routing compare",),
    ),
    Row(
        "routing",
        "a Dask cluster trains the same router, from JSON Lines or Parquet",
        (
            "routing/lab/test_cluster.py::test_a_cluster_trains_the_same_router",
            "routing/lab/test_cluster.py::test_a_cluster_that_is_not_there_is_told",
            "routing/lab/test_cluster.py::test_no_cut_loses_a_line_or_tells_it_twice",
        ),
        ("routeiq routing train --engine dask",),
    ),
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
        "floor: nobody serves of whom too little is expected for this very prompt",
        (
            "flow/test_learned.py::test_under_the_floor_of_a_prompt_nobody_serves",
            "flow/test_learned.py::test_a_client_can_only_raise_the_floor",
            "flow/test_learned.py::test_where_nobody_is_able_the_call_is_refused",
        ),
        ("routing.strategies",),
    ),
    Row(
        "routing",
        "rules: tags, words, instructions and client programs choose",
        (
            f"{_FLOW}test_the_first_rule_that_fits_decides",
            f"{_FLOW}test_a_rule_may_leave_nobody_else",
            f"{_FLOW}test_a_rule_holds_also_where_only_one_is_left",
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
    Row(
        "routing",
        "cascade: two cheap ones that agree are believed, else a dearer one is asked",
        (
            f"{_CASCADE}test_two_cheap_ones_that_agree_are_believed",
            f"{_CASCADE}test_where_they_differ_a_dearer_one_is_asked",
            f"{_CASCADE}test_long_texts_cannot_be_compared_and_the_last_is_believed",
            f"{_CASCADE}test_a_cascade_has_as_many_rungs_as_it_is_told",
            f"{_CASCADE}test_json_agrees_whatever_its_order",
            f"{_CASCADE}test_a_refusal_is_no_agreement",
            f"{_CASCADE}test_a_cascade_can_be_an_arm_or_a_wish",
        ),
    ),
    Row(
        "routing",
        "cascade: rules and a verifier judge an answer before a dearer one is asked",
        (
            f"{_CASCADE}test_a_verifier_looks_at_one_after_the_other",
            f"{_CASCADE}test_a_verifier_is_bound_by_where_the_call_may_go",
            f"{_CASCADE}test_a_verifier_is_bound_by_where_the_key_may_go",
            f"{_CASCADE}test_rules_want_json_of_the_schema",
        ),
    ),
    Row(
        "routing",
        "an answer by several calls: failures, budgets and hang-ups hold for each",
        (
            f"{_CASCADE}test_who_fails_is_passed_by",
            f"{_CASCADE}test_a_call_that_is_at_fault_is_not_asked_again",
            f"{_CASCADE}test_tokens_time_and_money_end_a_cascade",
            f"{_CASCADE}test_the_clients_own_wait_ends_all_of_it",
            f"{_CASCADE}test_no_two_calls_of_ours_claim_to_be_one",
            f"{_CASCADE}test_a_client_that_leaves_takes_all_rungs_along",
        ),
    ),
    Row(
        "routing",
        "an answer by several calls is one answer in any dialect, whole or streamed",
        (
            f"{_CASCADE}test_a_stream_tells_the_believed_answer",
            f"{_CASCADE}test_other_dialects_have_their_answer_too",
            f"{_CASCADE}test_what_one_text_cannot_answer_is_answered_plainly",
            f"{_CASCADE}test_one_deployment_alone_is_asked_once",
            f"{_CASCADE}test_the_explanation_foretells_it_and_asks_nobody",
        ),
    ),
    Row(
        "routing",
        "router_r1: a thinker asks the alias's models in turns until it knows",
        (
            f"{_CONDUCT}test_a_thinker_asks_an_expert_and_answers",
            f"{_CONDUCT}test_a_thinker_may_answer_at_once",
            f"{_CONDUCT}test_a_thinker_that_comes_to_nothing_leaves_it_to_one_call",
            f"{_CONDUCT}test_words_without_a_mark_are_the_answer_in_the_end",
            f"{_CONDUCT}test_an_expert_that_fails_is_told_of",
            f"{_CONDUCT}test_a_thinker_that_takes_too_long_is_left",
            f"{_CONDUCT}test_what_has_a_form_is_not_thought_about",
            f"{_CONDUCT}test_what_is_foretold",
        ),
    ),
    Row(
        "routing",
        "agentic: a complex prompt is answered in parts at once, and put together",
        (
            f"{_CONDUCT}test_a_complex_prompt_is_answered_in_parts_at_once",
            f"{_CONDUCT}test_an_aggregator_of_its_own_makes_the_answer",
            f"{_CONDUCT}test_parts_that_fail_are_left_out",
            f"{_CONDUCT}test_what_is_simple_or_has_no_room_is_one_call",
            f"{_CONDUCT}test_a_client_that_leaves_ends_all_parts",
        ),
    ),
    Row(
        "routing",
        "external: another server scores; where it does not, another strategy ranks",
        (
            f"{_EXTERNAL}test_who_is_scored_highest_serves",
            f"{_EXTERNAL}test_a_prompt_is_asked_about_once",
            f"{_EXTERNAL}test_a_server_that_is_too_slow_is_left_alone",
            f"{_EXTERNAL}test_what_cannot_be_used_leaves_it_to_another_strategy",
            f"{_EXTERNAL}test_others_may_build_on_what_it_says",
            f"{_EXTERNAL}test_what_cannot_be_asked_is_told_by_check",
        ),
    ),
    Row(
        "routing",
        "external: words leave only where they may, and secrets are told to nobody",
        (
            f"{_EXTERNAL}test_the_server_is_told_numbers_and_words_only_where_it_may",
            f"{_EXTERNAL}test_its_secrets_are_told_to_nobody",
        ),
    ),
    Row(
        "routing",
        "intent: what a prompt is about, by phrases of your own, decides",
        (f"{_FLOW}test_what_a_prompt_is_about_decides",),
    ),
    Row(
        "routing",
        "what several calls made teaches nobody about one model",
        (
            f"{_CONDUCT}test_what_several_made_teaches_nobody_about_one",
            "flow/test_dataset.py::test_of_answers_by_several_calls_only_a_models_own_is_learned_from",
        ),
    ),
)
