"""Claims of strategies that learn while they serve."""

from typing import Final

from tests.matrix.row import Row

_LEARN: Final = "flow/test_learning.py::"

ROWS: Final = (
    Row(
        "routing",
        "thompson, softmax, linucb: scores turn the traffic, costs and times too",
        (
            f"{_LEARN}test_scores_turn_the_traffic",
            f"{_LEARN}test_a_linear_model_learns_what_was_asked_not_only_who_answered",
            f"{_LEARN}test_costs_and_times_are_learned_without_anybody_saying",
            f"{_LEARN}test_the_recorded_odds_never_fall_under_the_floor",
            "routing/test_learning.py::test_the_recorded_odds_are_those_of_what_was_done",
        ),
    ),
    Row(
        "routing",
        "elo: ratings written, or learned from scores",
        (
            f"{_LEARN}test_a_rating_follows_scores",
            "routing/test_learning.py::test_ratings_may_be_written",
        ),
    ),
    Row(
        "routing",
        "personalised: every user has a taste, and may be forgotten",
        (
            f"{_LEARN}test_every_user_has_a_taste_and_may_be_forgotten",
            "routing/test_tally.py::test_what_is_forgotten_is_gone_everywhere",
        ),
        ("DELETE /v1/routing/strategies/{strategy}/subjects",),
    ),
    Row(
        "routing",
        "explore: a slice of the traffic goes to anyone, with honest odds",
        (f"{_LEARN}test_a_part_of_the_traffic_explores_and_its_odds_are_recorded",),
    ),
    Row(
        "routing",
        "records tell what others would have been worth, or that they cannot",
        (
            "flow/test_estimate.py::test_what_others_would_have_been_worth_is_told",
            "flow/test_estimate.py::"
            "test_nothing_is_concluded_from_too_few_or_from_what_was_never_tried",
            "flow/test_estimate.py::test_people_are_told_in_words",
        ),
        ("routeiq routing estimate",),
    ),
    Row(
        "routing",
        "a score teaches once, by its own key, in its time; no prompt's word waits for it",
        (
            f"{_LEARN}test_an_answer_teaches_once",
            f"{_LEARN}test_a_key_scores_its_own_answers_only",
            f"{_LEARN}test_ids_of_other_times_are_refused",
            f"{_LEARN}test_no_word_of_a_prompt_waits_for_its_score",
        ),
    ),
    Row(
        "routing",
        "one poisoned key does not turn what several others say",
        (
            f"{_LEARN}test_one_poisoned_key_does_not_turn_what_others_say",
            "gateway/learning/test_votes.py::test_a_key_never_weighs_twice_what_it_may",
        ),
    ),
    Row(
        "routing",
        "what was learned outlives the process, and workers learn as one",
        (
            f"{_LEARN}test_what_was_learned_outlives_the_process",
            f"{_LEARN}test_workers_learn_as_one",
            "routing/test_tally.py::test_several_that_join_know_the_sum_of_what_each_was_told",
        ),
    ),
    Row(
        "routing",
        "experiments are changed while they run, by the master key",
        (
            f"{_LEARN}test_an_experiment_is_changed_while_it_runs",
            f"{_LEARN}test_strategies_are_listed_with_what_they_learned",
        ),
        (
            "GET /v1/routing/strategies",
            "GET /v1/routing/strategies/{strategy}",
            "PATCH /v1/routing/strategies/{strategy}",
        ),
    ),
)
