"""Every language: what its phrase file may hold, its numbers, durations and shorthand, and its translated routines."""
# ruff: noqa: RUF001  the texts are in other languages

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voiceroutine.phrases
from voiceroutine.cues import Speech, Utterance
from voiceroutine.library import Library, bundled_folder, user_folder
from voiceroutine.phrases import has_phrases, languages, phrases_for
from voiceroutine.production import Production, Wishes, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conftest import Ended

    Command = Callable[..., Ended]

TRANSLATED = ("de", "es", "fr", "ru")
FOLDER = Path(voiceroutine.phrases.__file__).parent
BUNDLED = bundled_folder("routines")
ENGLISH_ROUTINE = 'title = "T"\nlanguage = "en"\n[[steps]]\nname = "N"\nhold = "20s"\n'
GERMAN_ROUTINE = 'title = "Auf Deutsch"\n[[steps]]\nname = "N"\nhold = "20s"\n'


def data_of(tag: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{tag}.toml").read_text(encoding="utf-8"))


def entries_of(file: Path) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in tomllib.loads(file.read_text(encoding="utf-8"))["exercises"]}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def wrong_phrases(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the data of a phrase file, which may be incomplete."""
    english = data_of("en")
    yield from (f"unknown: {key}" for key in data if key not in english)
    for table in ("say", "sides", "lists"):
        for key, text in data.get(table, {}).items():
            yield from wrong_text(f"{table}.{key}", text, english[table].get(key))
    yield from wrong_numbers(data)
    lines = data.get("encouragement", {}).get("lines", ["."])
    yield from (f"encouragement: {line}" for line in lines if not isinstance(line, str) or line[-1:] not in ".!?")
    for rule in data.get("reading", ()):
        yield from wrong_substitution("reading", rule)
    yield from wrong_sentences(data)


def wrong_sentences(data: Mapping[str, Any]) -> Iterator[str]:
    for short, said in data.get("abbreviations", {}).items():
        if not (isinstance(said, str) and short.strip() and said.strip()):
            yield f"abbreviations: {short}"
    for key, pattern in data.get("sentences", {}).items():
        if key != "unbroken" or not is_pattern(pattern):
            yield f"sentences.{key}"


def wrong_text(where: str, text: object, english: str | None) -> Iterator[str]:
    if english is None:
        yield f"unknown: {where}"
    elif not isinstance(text, str) or not text:
        yield f"no text: {where}"
    elif placeholders(text) != placeholders(english):
        yield f"placeholders: {where}"


def wrong_numbers(data: Mapping[str, Any]) -> Iterator[str]:
    durations, numbers = data.get("durations", {}), data.get("numbers", {})
    plurals = durations.get("plurals", ["1"])
    yield from (f"pattern: {pattern}" for pattern in plurals if not is_pattern(pattern))
    for unit in ("second", "minute", "hour"):
        forms = durations.get(unit, ["{n}"] * (len(plurals) + 1))
        if len(forms) != len(plurals) + 1 or any(placeholders(form) != {"n"} for form in forms):
            yield f"forms: {unit}"
    words = numbers.get("words", [])
    if len(set(words)) != len(words) or not all(isinstance(word, str) for word in words):
        yield "words"
    for unit, rules in numbers.get("before", {}).items():
        yield from [] if unit in durations else [f"unknown: numbers.before.{unit}"]
        for rule in rules:
            yield from wrong_substitution(f"before.{unit}", rule)


def wrong_substitution(where: str, rule: Mapping[str, Any]) -> Iterator[str]:
    try:
        re.compile(rule["written"]).sub(rule["spoken"], "")
        assert rule.keys() - {"needs"} == {"written", "spoken"}
        assert isinstance(rule.get("needs", ""), str)
    except (AssertionError, KeyError, TypeError, re.error):
        yield f"{where}: {rule}"


def is_pattern(pattern: object) -> bool:
    try:
        re.compile(str(pattern))
    except re.error:
        return False
    return isinstance(pattern, str)


@pytest.mark.parametrize("language", languages())
def test_a_phrase_file_has_nothing_wrong(language: str) -> None:
    assert [*wrong_phrases(data_of(language))] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[sayings]", "unknown: sayings"),
        ('[say]\nhalfwya = "H."', "unknown: say.halfwya"),
        ("[say]\nhalfway = 3", "no text: say.halfway"),
        ('[say]\nnext_up = "Luego: {nxet}."', "placeholders: say.next_up"),
        ('[say]\nnext_up = "Luego."', "placeholders: say.next_up"),
        ('[durations]\nplurals = ["("]', "pattern: ("),
        ('[durations]\nplurals = []\nminute = ["{n} a", "{n} b"]', "forms: minute"),
        ('[durations]\nhour = ["hora", "{n} horas"]', "forms: hour"),
        ('[numbers]\nwords = ["a", "a"]', "words"),
        ('[encouragement]\nlines = ["sin punto"]', "encouragement: sin punto"),
        ("[[reading]]\nwritten = '('\nspoken = 'a'", "reading: {'written': '(', 'spoken': 'a'}"),
        ('[abbreviations]\n"z. B." = ""', "abbreviations: z. B."),
        ("[sentences]\nunbroken = '('", "sentences.unbroken"),
        ("[sentences]\nends = '.'", "sentences.ends"),
        (r"[[reading]]" "\n" r"written = 'a'" "\n" r"spoken = '\1'", r"reading: {'written': 'a', 'spoken': '\\1'}"),
    ],
)
def test_what_is_wrong_with_a_phrase_file_is_found(text: str, wrong: str) -> None:
    assert [*wrong_phrases(tomllib.loads(text))] == [wrong]


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_translations_that_there_are_lack_nothing(language: str) -> None:
    phrases = phrases_for(language)
    assert phrases.missing == ()
    assert len(phrases.encouragement) == len(phrases_for("en").encouragement)
    untranslated = [key for key, text in phrases.say.items() if text == phrases_for("en").say[key]]
    assert set(untranslated) <= {"rep", "label", "introduction"}


def counted(ones: str, tens: str, join: Callable[[str, str], str]) -> list[str]:
    """Return 0 to 60: the first words as they are, then every ten with one to nine."""
    first, later = ones.split(), tens.split()
    start = len(first) // 10 * 10
    units = [first[0], *first[1:10]]
    made = [ten if n == 0 else join(ten, units[n]) for ten in later[:-1] for n in range(10)]
    assert len(first) == start
    return [*first, *made, later[-1]]


GERMAN_ONES = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn"
)
SPANISH_ONES = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
)
FRENCH_ONES = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf"
)
RUSSIAN_ONES = (
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать "
    "пятнадцать шестнадцать семнадцать восемнадцать девятнадцать"
)
NUMBERS = {
    "de": counted(
        GERMAN_ONES,
        "zwanzig dreißig vierzig fünfzig sechzig",
        lambda ten, one: f"{'ein' if one == 'eins' else one}und{ten}",
    ),
    "es": counted(SPANISH_ONES, "treinta cuarenta cincuenta sesenta", lambda ten, one: f"{ten} y {one}"),
    "fr": counted(
        FRENCH_ONES,
        "vingt trente quarante cinquante soixante",
        lambda ten, one: f"{ten} et un" if one == "un" else f"{ten}-{one}",
    ),
    "ru": counted(RUSSIAN_ONES, "двадцать тридцать сорок пятьдесят шестьдесят", lambda ten, one: f"{ten} {one}"),
}


@pytest.mark.parametrize("language", TRANSLATED)
def test_numbers_are_counted_in_words(language: str) -> None:
    assert [phrases_for(language).number(number) for number in range(61)] == NUMBERS[language]
    assert phrases_for(language).number(61) == "61"


DURATIONS_MS = (
    *(0, 1_000, 2_000, 2_500, 5_000, 11_000, 21_000, 30_000),
    *(60_000, 90_000, 120_000, 150_000, 300_000, 1_260_000, 3_600_000, 7_200_000),
)
DURATIONS = {
    "de": (
        *("null Sekunden", "eine Sekunde", "zwei Sekunden", "2,5 Sekunden", "fünf Sekunden", "elf Sekunden"),
        *("einundzwanzig Sekunden", "dreißig Sekunden", "eine Minute", "anderthalb Minuten", "zwei Minuten"),
        *("zwei Minuten und dreißig Sekunden", "fünf Minuten", "einundzwanzig Minuten", "eine Stunde", "zwei Stunden"),
    ),
    "es": (
        *("cero segundos", "un segundo", "dos segundos", "2,5 segundos", "cinco segundos", "once segundos"),
        *("veintiún segundos", "treinta segundos", "un minuto", "un minuto y medio", "dos minutos"),
        *("dos minutos y treinta segundos", "cinco minutos", "veintiún minutos", "una hora", "dos horas"),
    ),
    "fr": (
        *("zéro seconde", "une seconde", "deux secondes", "2,5 secondes", "cinq secondes", "onze secondes"),
        *("vingt et une secondes", "trente secondes", "une minute", "une minute et demie", "deux minutes"),
        *("deux minutes et trente secondes", "cinq minutes", "vingt et une minutes", "une heure", "deux heures"),
    ),
    "ru": (
        *("ноль секунд", "одна секунда", "две секунды", "2,5 секунды", "пять секунд", "одиннадцать секунд"),
        *("двадцать одна секунда", "тридцать секунд", "одна минута", "полторы минуты", "две минуты"),
        *("две минуты и тридцать секунд", "пять минут", "двадцать одна минута", "один час", "два часа"),
    ),
}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_duration_in_words(language: str) -> None:
    assert tuple(map(phrases_for(language).duration, DURATIONS_MS)) == DURATIONS[language]


@pytest.mark.parametrize(
    ("language", "minutes", "words"),
    [
        ("de", 1, "eine Minute"),
        ("es", 31, "treinta y un minutos"),
        ("es", 61, "61 minutos"),
        ("fr", 31, "trente et une minutes"),
        ("ru", 4, "четыре минуты"),
        ("ru", 14, "четырнадцать минут"),
        ("ru", 42, "сорок две минуты"),
        ("ru", 60, "шестьдесят минут"),
        ("ru", 101, "101 минута"),
        ("ru", 111, "111 минут"),
    ],
)
def test_whole_minutes_in_words(language: str, minutes: int, words: str) -> None:
    assert phrases_for(language).minutes(minutes * 60_000) == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "ein Stuhl, eine Wand und ein Tuch"),
        ("es", "ein Stuhl, eine Wand y ein Tuch"),
        ("fr", "ein Stuhl, eine Wand et ein Tuch"),
        ("ru", "ein Stuhl, eine Wand и ein Tuch"),
    ],
)
def test_a_list_in_words(language: str, words: str) -> None:
    assert phrases_for(language).listing(["ein Stuhl", "eine Wand", "ein Tuch"]) == words


READ = {
    "de": [
        ("Halte 30s.", "Halte 30 Sekunden."),
        ("30 Sek. lang", "30 Sekunden lang"),
        ("1 min", "eine Minute"),
        ("2 min", "2 Minuten"),
        ("1,5 Minuten", "1,5 Minuten"),
        ("1.5 min", "1,5 Minuten"),
        ("1:30", "eine Minute 30 Sekunden"),
        ("0:45", "45 Sekunden"),
        ("um 10:30 Uhr", "um 10 Uhr 30"),
        ("Um 7:30 Uhr", "Um 7 Uhr 30"),
        ("in den 1980er Jahren", "in den 19 hundert 80er Jahren"),
        ("1h30", "eine Stunde 30 Minuten"),
        ("10–15 Wdh.", "10 bis 15 Wiederholungen"),
        ("3×10 s", "3 mal 10 Sekunden"),
        ("3x", "3 mal"),
        ("1x", "einmal"),
        ("3 Sätze x 10", "3 Sätze zu je 10"),
        ("~20 s", "etwa 20 Sekunden"),
        ("ca. 20 s", "etwa 20 Sekunden"),
        ("z. B. ein Tuch", "zum Beispiel ein Tuch"),
        ("z.B. ein Tuch", "zum Beispiel ein Tuch"),
        ("½ min", "eine halbe Minute"),
        ("1½ Min", "1,5 Minuten"),
        ("5 cm & 1 kg", "5 Zentimeter und ein Kilogramm"),
        ("10 + 5", "10 plus 5"),
        ("20–30°", "20 bis 30 Grad"),
        ("L/R", "links und rechts"),
        ("10 Wdh./Seite", "10 Wiederholungen pro Seite"),
        ("10-s-Pause", "10-Sekunden-Pause"),
        ("8/10", "8 von 10"),
    ],
    "es": [
        ("Mantén 30s.", "Mantén 30 segundos."),
        ("30 seg. y suelta", "30 segundos y suelta"),
        ("1 min", "un minuto"),
        ("21 min", "veintiún minutos"),
        ("31 h", "30 y una horas"),
        ("1,5 min", "1,5 minutos"),
        ("1:30", "un minuto 30 segundos"),
        ("0:45", "45 segundos"),
        ("10–15 s", "10 a 15 segundos"),
        ("3×10 s", "3 veces 10 segundos"),
        ("3x/semana", "3 veces por semana"),
        ("1x", "una vez"),
        ("3 series x 10 reps", "3 series de 10 repeticiones"),
        ("~20 s", "unos 20 segundos"),
        ("~2 h", "unas 2 horas"),
        ("aprox. 20 s", "aproximadamente 20 segundos"),
        ("p. ej. una toalla", "por ejemplo una toalla"),
        ("½ h", "media hora"),
        ("5 cm & 1 kg", "5 centímetros y un kilo"),
        ("10 + 5", "10 más 5"),
        ("20–30°", "20 a 30 grados"),
        ("inhala y inclina", "inhala e inclina"),
        ("agua y hielo", "agua y hielo"),
        ("30 s/lado", "30 segundos por lado"),
    ],
    "fr": [
        ("Tenez 30s.", "Tenez 30 secondes."),
        ("30 sec. puis", "30 secondes puis"),
        ("1 min", "une minute"),
        ("21 min", "20 et une minutes"),
        ("1,5 min", "1,5 minute"),
        ("1:30", "une minute 30 secondes"),
        ("0:45", "45 secondes"),
        ("10–15 s", "10 à 15 secondes"),
        ("3×10 s", "3 fois 10 secondes"),
        ("1x", "une fois"),
        ("3 séries x 10 rép.", "3 séries de 10 répétitions."),
        ("~20 s", "environ 20 secondes"),
        ("env. 20 s", "environ 20 secondes"),
        ("p. ex. une serviette", "par exemple une serviette"),
        ("½ h", "une demi-heure"),
        ("5 cm & 1 kg", "5 centimètres et 1 kilo"),
        ("10 + 5", "10 plus 5"),
        ("20–30°", "20 à 30 degrés"),
        ("G/D", "gauche et droite"),
        ("30 s/côté", "30 secondes par côté"),
    ],
    "ru": [
        ("Держите 30с.", "Держите 30 секунд."),
        ("30 сек. и", "30 секунд и"),
        ("30 s", "30 секунд"),
        ("Сделайте 10 с паузой", "Сделайте 10 с паузой"),
        ("1 мин", "одна минута"),
        ("2 мин", "две минуты"),
        ("5 мин", "5 минут"),
        ("12 мин", "12 минут"),
        ("21 мин", "20 одна минута"),
        ("1,5 мин", "полторы минуты"),
        ("1.5 мин", "полторы минуты"),
        ("1:30", "одна минута 30 секунд"),
        ("0:45", "45 секунд"),
        ("10–15 с", "10-15 секунд"),
        ("1–2 мин", "одна-две минуты"),
        ("3×10 с", "3 раза по 10 секунд"),
        ("5x", "5 раз"),
        ("1x", "один раз"),
        ("~20 с", "примерно 20 секунд"),
        ("С 5 до 6.", "С пяти до шести."),
        ("т. е. так", "то есть так"),
        ("½ ч", "полчаса"),
        ("5 см & 2 кг", "5 сантиметров и 2 килограмма"),
        ("10 + 5", "10 плюс 5"),
        ("20–30°", "20-30 градусов"),
        ("3x/неделю", "3 раза в неделю"),
    ],
}
UNTOUCHED = {
    "de": [
        "Atme ein und aus.",
        "eine 5-Minuten-Pause",
        "Katze-Kuh",
        "10.000",
        "Gut, Max.",
        "C5-C6",
        "Dreh dich rechts herum, dann links.",
        "Ein Satz.",
        "Halte 30 Sekunden lang.",
    ],
    "es": [
        "Inhala y exhala.",
        "a las 7:30 horas",
        "gato-vaca",
        "10.000",
        "Tú y yo.",
        "agua y hielo",
        "Mantén 30 segundos más.",
        "C5-C6",
        "Gira a la derecha, luego a la izquierda.",
    ],
    "fr": [
        "Inspirez et expirez.",
        "Asseyez-vous à côté d'une chaise.",
        "chat-vache",
        "C5-C6",
        "Tenez 30 secondes encore.",
        "L'épaule s'abaisse.",
        "10 000",
        "Tournez à droite, puis à gauche.",
    ],
    "ru": [
        "Вдох и выдох.",
        "в 7:30 утра",
        "кошка-корова",
        "C5-C6",
        "Дышите с паузой.",
        "Подход 2, всего 3.",
        "Держите ещё 30 секунд.",
        "Поверните голову вправо, затем влево.",
    ],
}
ORDINARY = [(language, sentence) for language, texts in UNTOUCHED.items() for sentence in texts]
READ_IN = [(language, written, spoken) for language, pairs in READ.items() for written, spoken in pairs]
SHORTHAND = (
    "30s 2x x 3 10 – - to 1:30 0:45 L/R / ~ → & + ° % ½ 1 2 21 min s h m cm kg reps . , 1/2 Sek. Wdh. z. B. "
    "ca. Minuten seg. p. ej. veces minutos y i unos env. fois с сек. мин раз т. е. минут повторений 1,5 1.5 bis à"
)
PIECES = st.sampled_from(SHORTHAND.split(" ")) | st.text(max_size=3)
WRITTEN = st.lists(st.tuples(PIECES, st.sampled_from(["", " "]))).map(
    lambda pieces: "".join(piece + space for piece, space in pieces)
)


@pytest.mark.parametrize(("language", "written", "spoken"), READ_IN)
def test_shorthand_is_read_in_words(language: str, written: str, spoken: str) -> None:
    assert phrases_for(language).read_aloud(written).text == spoken


@pytest.mark.parametrize(("language", "sentence"), ORDINARY)
def test_ordinary_words_stay_as_they_are(language: str, sentence: str) -> None:
    assert phrases_for(language).read_aloud(sentence).text == sentence


@pytest.mark.parametrize("language", TRANSLATED)
@settings(max_examples=100, deadline=None)
@given(written=WRITTEN)
def test_reading_twice_changes_nothing_and_something_is_left_to_say(language: str, written: str) -> None:
    once = phrases_for(language).read_aloud(written).text
    assert phrases_for(language).read_aloud(once).text == once
    if any(character.isalnum() for character in written):
        assert once


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("written", ["1-" * 1000, "/" * 2000, " " * 2000 + "&", "1:" * 1000, "1 " * 1000, "9" * 2000])
def test_the_longest_text_is_read_in_no_time(language: str, written: str) -> None:
    once = phrases_for(language).read_aloud(written).text
    assert phrases_for(language).read_aloud(once).text == once


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_product_s_own_sentences_are_read_as_they_are_written(language: str) -> None:
    phrases = phrases_for(language)
    texts = [*phrases.say.values(), *phrases.encouragement, *phrases.number_words]
    texts += [text for entry in entries_of(BUNDLED / language / "exercises.toml").values() for text in spoken(entry)]
    assert [text for text in texts if phrases.read_aloud(text).text != text] == []


def spoken(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from (entry[key] for key in ("name", "instruction", "cue", "caution") if key in entry)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?]) +", text)


@pytest.fixture
def with_portuguese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Add a language by one file, of which only a region's is there."""
    folder = tmp_path / "phrases"
    folder.mkdir()
    (folder / "en.toml").write_text((FOLDER / "en.toml").read_text(encoding="utf-8"), encoding="utf-8")
    file = folder / "pt-BR.toml"
    file.write_text('voice = "pt-br"\n[say]\nhalfway = "Metade."\nready = "Prepare-se."\n', encoding="utf-8")
    monkeypatch.setattr(voiceroutine.phrases, "_FOLDER", folder)
    phrases_for.cache_clear()
    yield file
    phrases_for.cache_clear()
    voiceroutine.phrases._read.cache_clear()


@pytest.mark.usefixtures("with_portuguese")
def test_what_a_new_language_lacks_is_said_in_english() -> None:
    phrases = phrases_for("pt-br")
    assert (phrases.tag, phrases.voice) == ("pt-BR", "pt-br")
    assert (phrases.say["halfway"], phrases.say["rest"]) == ("Metade.", "Rest.")
    assert phrases.duration(30_000) == "30 seconds"
    assert phrases.number(3) == "3"
    assert phrases.read_aloud("30 s").text == "30 s"
    assert (has_phrases("pt-BR"), has_phrases("pt"), has_phrases("pt-PT")) == (True, False, False)


@pytest.mark.usefixtures("with_portuguese")
def test_a_region_takes_from_its_language_what_it_lacks(with_portuguese: Path) -> None:
    with_portuguese.with_name("pt.toml").write_text(
        'voice = "pt"\n[say]\nhalfway = "Meio."\nrest = "Descansa."\n[sides]\nleft = "esquerda"\nright = "direita"\n',
        encoding="utf-8",
    )
    phrases = phrases_for("pt-BR-x-any")
    assert (phrases.tag, phrases.voice) == ("pt-BR", "pt-br")
    assert (phrases.say["halfway"], phrases.say["rest"]) == ("Metade.", "Descansa.")
    assert phrases.sides == {"left": "esquerda", "right": "direita"}
    assert "say.rest" not in phrases.missing
    assert phrases_for("pt-PT").say["halfway"] == "Meio."


@pytest.mark.usefixtures("with_portuguese")
def test_check_notes_what_a_language_lacks(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('title = "T"\nlanguage = "pt-BR"\n[[steps]]\nname = "N"\nhold = "20s"\n')
    lacking = [key for key in data_of("en")["say"] if key not in {"halfway", "ready"}]
    listed = ", ".join(
        [
            *(f"say.{key}" for key in lacking),
            "encouragement",
            "sides",
            "durations",
            "shown",
            "lists",
            "numbers",
            "reading",
        ]
    )
    ended = command("check", "--strict", str(file))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (
        f'{file}:2:1: language: note: the phrases of "pt-BR" lack {listed}\n'
        "    sentences are said in English instead, numbers read as digits, and shorthand as it is written\n"
        '    2 | language = "pt-BR"\n'
        "      | ^^^^^^^^^^^^^^^^^^\n"
        "1 routine: 1 note.\n"
    )
    assert f'note: the phrases of "pt-BR" lack {listed}\n' in command("show", "--estimate", str(file)).out


@pytest.mark.parametrize("tag", ["", "d", "de-../../x", "../de", "/tmp", "de\0", "de-", "de_AT", "de" + "-a" * 50_000])
def test_what_is_no_tag_is_no_language_and_leads_to_no_folder(tag: str, tmp_path: Path) -> None:
    assert not has_phrases(tag)
    (tmp_path / "exercises.toml").write_text('[[exercises]]\nid = "a"\nname = "A"\n')
    folder = tmp_path / "folder"
    folder.mkdir()
    assert Library(folders=(folder,)).exercises(tag) == {}


def cooldown(language: str) -> Production:
    return Production(load("neck-cooldown", Wishes(language=language)))


def said_in(production: Production, *only: str) -> list[str]:
    """Return all sentences but counts, which "six" has in common with English."""
    spoken = [cue for cue in production.estimated_timeline().cues if isinstance(cue, Speech) and cue.why != "rep"]
    return [cue.utterance.text for cue in spoken if not only or cue.why in only]


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_cooldown_is_there_in_every_language(language: str) -> None:
    english, translated = cooldown("en"), cooldown(language)
    assert translated.routine.voice.language == language
    assert [step.exercise for step in translated.routine.exercises()] == [
        step.exercise for step in english.routine.exercises()
    ]
    texts = said_in(translated)
    assert set(texts).isdisjoint(said_in(english))
    assert not any("{" in text for text in texts)
    assert [text for text in texts for sentence in sentences(text) if len(sentence.split()) >= 20] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_translated_cooldown_has_the_same_work_and_no_problems(language: str) -> None:
    english, translated = cooldown("en"), cooldown(language)
    assert [(one.kind, one.minimum_ms) for one in translated.intervals if one.exact] == [
        (one.kind, one.minimum_ms) for one in english.intervals if one.exact
    ]
    assert translated.estimated_timeline().problems == ()
    per_side: Counter[str] = Counter()
    for interval in translated.intervals:
        if interval.exact and interval.side:
            per_side[interval.side] += interval.minimum_ms
    words = phrases_for(language).sides
    assert per_side[words["left"]] == per_side[words["right"]] == sum(per_side.values()) / 2 > 0


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_exercise_is_translated(language: str) -> None:
    english, translated = (entries_of(folder / "exercises.toml") for folder in (BUNDLED, BUNDLED / language))
    assert english.keys() <= translated.keys()
    for name in english:
        entry, original = translated[name], english[name]
        assert entry.keys() <= {"id", "name", "instruction", "cue", "caution", "needs", "sides", "phases", "during"}
        assert ("during" in entry) == any("say" in cue for cue in original.get("during", ()))
        assert {"name", "instruction", "cue"} <= entry.keys()
        assert ("caution" in entry) >= ("caution" in original)
        assert len(entry.get("needs", ())) == len(original.get("needs", ()))
        assert isinstance(original.get("sides"), list) == ("sides" in entry)
        assert len(entry.get("sides", "")) in {0, len(original.get("sides", ""))}
        assert [phase["lasts"] for phase in entry.get("phases", ())] == [
            phase["lasts"] for phase in original.get("phases", ())
        ]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_of_a_translated_exercise_is_short(language: str) -> None:
    for entry in entries_of(BUNDLED / language / "exercises.toml").values():
        for text in spoken(entry):
            assert all(len(sentence.split()) < 20 for sentence in sentences(text)), text


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_routine_of_all_exercises_speaks_one_language(language: str, tmp_path: Path) -> None:
    names = entries_of(BUNDLED / "exercises.toml")
    file = tmp_path / "all.toml"
    file.write_text('title = "T"\n' + "".join(f'[[steps]]\nexercise = "{name}"\n' for name in names))
    production = Production(load(str(file), Wishes(language=language)))
    assert production.routine.notes == ()
    assert [problem for problem in production.estimated_timeline().problems if problem.severity != "note"] == []


def test_sides_are_words_that_fit_their_sentences() -> None:
    said = {language: sentences(said_in(cooldown(language), "instruction")[3])[0] for language in TRANSLATED}
    assert said == {
        "de": "Sitz aufrecht und neige den Kopf nach rechts.",
        "es": "Siéntate con la espalda recta e inclina la cabeza hacia la derecha.",
        "fr": "Asseyez-vous, le dos droit, et penchez la tête vers la droite.",
        "ru": "Сядьте прямо и склоните голову вправо.",
    }


def test_english_words_in_another_language_are_noted(command: Command, tmp_path: Path) -> None:
    own = user_folder()
    own.mkdir(parents=True)
    (own / "exercises.toml").write_text(
        '[[exercises]]\nid = "mine"\nname = "Mein"\ninstruction = "Los."\nhold = "20s"\n'
    )
    library = tmp_path / "bundled"
    library.mkdir()
    (library / "exercises.toml").write_text(
        '[[exercises]]\nid = "bow"\nname = "Bow"\ninstruction = "Bow."\ncaution = "Slowly."\nhold = "20s"\n'
    )
    file = tmp_path / "r.toml"
    file.write_text(
        'title = "T"\nlanguage = "de"\n[[steps]]\nexercise = "bow"\ninstruction = "Verbeug dich."\n'
        '[[steps]]\nexercise = "mine"\n'
    )
    [note] = load(str(file), library=Library(folders=(own, library))).notes
    assert str(note) == (
        f'{file}:3:1: steps[0]: note: "Bow" is said in English, not in "de": its caution\n'
        f"    give the step its own, or write them into {own / 'de' / 'exercises.toml'}\n"
        "    3 | [[steps]]\n"
        "      | ^^^^^^^^^"
    )
    assert command("check", str(file)).status == 3


@pytest.fixture
def english(tmp_path: Path) -> Path:
    file = tmp_path / "r.toml"
    file.write_text(ENGLISH_ROUTINE)
    return file


def test_the_translation_beside_a_file_is_taken(command: Command, english: Path) -> None:
    translation = english.parent / "de" / "r.toml"
    translation.parent.mkdir()
    translation.write_text(GERMAN_ROUTINE)
    for tag in ("de", "de-AT"):
        assert command("show", "--estimate", "--language", tag, str(english)).out.startswith("Auf Deutsch: ")
    assert load(str(english), Wishes(language="de")).voice.language == "de"
    assert command("show", "--estimate", "--language", "en", str(english)).out.startswith("T: ")
    assert command("show", "--estimate", str(english)).out.startswith("T: ")


def test_a_file_that_names_no_language_takes_the_wished_one(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text(GERMAN_ROUTINE)
    assert '"Halfway."' in command("show", "--estimate", str(file)).out
    assert '"Die Hälfte ist geschafft."' in command("show", "--estimate", "--language", "de", str(file)).out


@pytest.mark.parametrize("name", ["play", "export", "show"])
def test_a_routine_that_is_not_there_in_a_language_is_refused(command: Command, english: Path, name: str) -> None:
    ended = command(name, str(english), "--language", "de")
    assert (ended.status, ended.out) == (3, "")
    assert ended.err == (
        f'{english}:2:1: language: the routine is in "en", and there is none in "de"\n'
        f"    it is there in: en; leave --language out, or put a translation into {english.parent / 'de' / 'r.toml'}\n"
        '    2 | language = "en"\n'
        "      | ^^^^^^^^^^^^^^^\n"
    )


def test_a_named_routine_that_is_not_there_in_a_language_is_refused(command: Command) -> None:
    own = user_folder()
    for tag in ("es", "fr"):
        (own / tag).mkdir(parents=True)
        (own / tag / "mine.toml").write_text('title = "M"\n[[steps]]\nrest = "5s"\n')
    (own / "mine.toml").write_text(ENGLISH_ROUTINE)
    ended = command("check", "mine", "--language", "de")
    assert ended.status == 3
    assert ended.out == (
        f'{own / "mine.toml"}:2:1: language: the routine is in "en", and there is none in "de"\n'
        "    it is there in: en, es, fr; leave --language out, or put a translation into "
        f"{own / 'de' / 'mine.toml'}\n"
        '    2 | language = "en"\n'
        "      | ^^^^^^^^^^^^^^^\n"
        "1 routine: 1 error.\n"
    )
    (own / "mine.toml").unlink()
    assert command("show", "mine").err == (
        "mine: there is no such file, and no routine of that name\n    there is one in es, fr: add --language es\n"
    )
    assert command("show", "--estimate", "mine", "--language", "fr").out.startswith("M: ")


def test_a_language_without_phrases_is_a_usage_error(command: Command) -> None:
    ended = command("show", "--language", "xx")
    assert ended.status == 2
    assert ended.err.endswith(
        "Error: Invalid value for '--language': there are no phrases for \"xx\"; there are: de, en, es, fr, ru\n"
    )


def test_a_translation_of_the_user_s_own_comes_first_and_inherits_the_dose(tmp_path: Path) -> None:
    own, bundled = tmp_path / "own", tmp_path / "bundled"
    for folder in (own / "de", bundled / "de"):
        folder.mkdir(parents=True)
    for folder, name, dose in (
        (own / "de", "Mein", ""),
        (own, "Mine", "reps = 4\n"),
        (bundled / "de", "Deutsch", ""),
        (bundled, "English", "reps = 2\nhold = 5\n"),
    ):
        (folder / "exercises.toml").write_text(f'[[exercises]]\nid = "bow"\nname = "{name}"\n{dose}')
    file = tmp_path / "r.toml"
    file.write_text('title = "T"\n[[steps]]\nexercise = "bow"\n')
    library = Library(folders=(own, bundled))
    [english], [german] = (
        [*load(str(file), Wishes(language=language), library).exercises()] for language in (None, "de")
    )
    assert (english.name, english.reps, english.rep_ms) == ("Mine", 4, 5_000)
    assert (german.name, german.reps, german.rep_ms) == ("Mein", 4, 5_000)


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_embedded_voice_speaks_the_language(language: str) -> None:
    pytest.importorskip("espeakng_loader")
    from voiceroutine.narration import Narrator
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import load_engine

    phrases, text = phrases_for(language), phrases_for(language).say["safety"]
    narrator = Narrator(load_engine("espeak"))
    own, as_english = (
        narrator.samples(Utterance(text=text, voice=VoiceSettings(language=tag))) for tag in (language, "en")
    )
    letters_ms = len(text) * phrases.character_ms
    assert 0.9 * letters_ms < len(own) / 48 < 1.6 * letters_ms
    assert len(own) != len(as_english)
