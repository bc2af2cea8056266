"""Sentences and classifications of arbitrary records."""

from hypothesis import given
from hypothesis import strategies as st

from whodid_schema import folding, sentence, taxonomy
from whodid_schema.record import Actor, Change, Person, Record, Ref, Target

text = st.none() | st.text(max_size=20)
targets = st.builds(
    Target, text, text, text, st.none() | st.integers(-5, 50), st.none() | st.sampled_from(["from", "x"])
)
actors = st.builds(
    Actor,
    type=st.none() | st.sampled_from(["user", "api_token", "system", "anonymous"]) | st.text(max_size=5),
    id=text,
    name=text,
    email=text,
    role=text,
    provider=text,
    token=st.none() | st.builds(Ref, text, text),
    on_behalf_of=st.none() | st.builds(Person, text, text, text),
)
records = st.builds(
    Record,
    action=text | st.sampled_from(sorted(taxonomy.SYNONYMS)),
    verb=st.none() | st.sampled_from(taxonomy.VERBS),
    kind=st.none() | st.sampled_from(taxonomy.KINDS),
    outcome=st.none() | st.sampled_from(taxonomy.OUTCOMES),
    description=text,
    reason=text,
    actor=st.none() | actors,
    target=st.none() | targets,
    targets=st.none() | st.lists(targets, max_size=3),
    changes=st.none() | st.lists(st.builds(Change, st.text(max_size=5), text, text), max_size=4),
)


@given(records)
def test_every_record_has_a_sentence_that_names_its_actor_or_is_the_applications_own(record: Record) -> None:
    said = sentence.compose(record)
    assert said
    if not record.description:
        assert said.startswith(sentence.actor_name(record))


@given(records)
def test_a_sentence_is_always_found_by_free_text(record: Record) -> None:
    record.description = sentence.compose(record)
    assert folding.search_text(record).startswith(folding.fold(record.description))


@given(st.text())
def test_every_action_has_a_verb_and_a_word_of_its_own(action: str) -> None:
    verb, word = taxonomy.classify(action)
    assert verb in taxonomy.VERBS
    assert word in action
    assert taxonomy.badge(action, verb)
