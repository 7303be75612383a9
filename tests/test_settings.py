"""The user's settings: which one holds, what is wrong with them, and how a command changes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import mutagen
import pytest
import soundfile

from voiceroutine.cli import COMMANDS, group
from voiceroutine.cli.defaults import FLAGS, user_defaults
from voiceroutine.cli.play import command as play
from voiceroutine.settings import PROFILES, RATE_WPM, SETTINGS, current, rewritten, settings_file, survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]

SMALL = 'title = "Small"\n[[steps]]\nname = "Hold"\nhold = "5s"\n'


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


@pytest.fixture
def written(own_folders: Path) -> Callable[[str], Path]:
    """Write the user's file of settings."""

    def write(text: str) -> Path:
        file = settings_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
        return file

    return write


def voice_shown(command: Command, *arguments: str) -> str:
    ended = command("show", *arguments, "--json")
    assert (ended.status, ended.err) == (0, "")
    return str(json.loads(ended.out)["voice"])


def test_the_file_goes_before_the_routine(command: Command, small: Path, written: Callable[[str], Path]) -> None:
    assert voice_shown(command, str(small)) == "espeak"
    written('voice = "silent"\n')
    assert voice_shown(command, str(small)) == "silent"


def test_the_environment_goes_before_the_file_and_a_flag_before_both(
    command: Command, small: Path, written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    written('voice = "nobody"\n')
    monkeypatch.setenv("VOICEROUTINE_VOICE", "silent")
    assert voice_shown(command, str(small)) == "silent"
    monkeypatch.setenv("VOICEROUTINE_SHOW_VOICE", "espeak")
    assert voice_shown(command, str(small)) == "espeak"
    assert voice_shown(command, str(small), "--voice", "silent") == "silent"


def test_rate_and_profile_change_what_is_heard(command: Command, small: Path, written: Callable[[str], Path]) -> None:
    def flagged(*flags: str) -> str:
        return command("show", str(small), "--json", *flags).out

    plain, quick, bell = flagged(), flagged("--rate", "300"), flagged("--profile", "bell")
    written("rate = 300\n")
    assert flagged() == quick != plain
    written('profile = "bell"\n')
    assert flagged() == bell != plain


def test_an_export_is_made_as_it_was_settled(
    command: Command, small: Path, tmp_path: Path, written: Callable[[str], Path]
) -> None:
    one, other = tmp_path / "one.wav", tmp_path / "other.wav"
    assert command("export", str(small), "-o", str(one), "--profile", "bell").status == 0
    written('profile = "bell"\n')
    assert command("export", str(small), "-o", str(other)).status == 0
    assert soundfile.read(one)[0].tobytes() == soundfile.read(other)[0].tobytes()
    titles = [mutagen.File(file)["TIT2"].text[0] for file in (one, other)]
    assert titles == ["Small (bell)", "Small"]


def test_a_language_is_taken_where_there_is_a_translation(
    command: Command, small: Path, written: Callable[[str], Path]
) -> None:
    english = small.with_name("english.toml")
    english.write_text(f'language = "en"\n{SMALL}')
    written('language = "de"\n')
    assert command("show", "neck-cooldown", "--estimate").out.startswith("Nacken nach dem Training: ")
    assert command("show", str(english), "--estimate").out.startswith("Small: ")
    insisted = command("show", str(english), "--estimate", "--language", "de")
    assert insisted.status == 3
    assert 'the routine is in "en", and there is none in "de"' in insisted.err
    assert command("exercises", "neck-tilt").out == command("exercises", "neck-tilt", "--language", "de").out


def test_a_settled_voice_that_is_gone_is_stood_in_for(
    command: Command, small: Path, written: Callable[[str], Path]
) -> None:
    written('voice = "espaek"\n')
    ended = command("show", str(small), "--json")
    assert (ended.status, json.loads(ended.out)["voice"]) == (0, "espeak")
    assert ended.err == 'There is no voice engine "espaek"; did you mean "espeak"? Instead, espeak speaks.\n'
    assert command("voices").out.splitlines()[0].startswith('Used: espeak (There is no voice engine "espaek"; ')
    assert command("show", str(small), "--voice", "espaek").status == 4


def test_every_mistake_is_told_at_its_place(command: Command, small: Path, written: Callable[[str], Path]) -> None:
    file = written(
        '# mine\nrate = "fast"\nvioce = "espeak"\nprofile = "Quiet"\nno_ui = "yes"\nlanguage = "xx"\n'
        'device = 3\ndelay = "soon"\nhistory = 1\nvoice = " "\n[steps]\n'
    )
    ended = command("show", str(small))
    assert (ended.status, ended.out) == (2, "")
    assert (
        ended.err
        == f"""\
{file}:2:1: rate: must be a whole number, like 140
    2 | rate = "fast"
      | ^^^^^^^^^^^^^
{file}:3:1: vioce: unknown key "vioce"
    did you mean "voice"?
    3 | vioce = "espeak"
      | ^^^^^^^^^^^^^^^^
{file}:4:1: profile: must be "bell", "quiet", "normal" or "coach"
    did you mean "quiet"?
    4 | profile = "Quiet"
      | ^^^^^^^^^^^^^^^^^
{file}:5:1: no_ui: must be true or false, without quotes
    5 | no_ui = "yes"
      | ^^^^^^^^^^^^^
{file}:6:1: language: there are no phrases for "xx"
    there are: de, en, es, fr, ru
    6 | language = "xx"
      | ^^^^^^^^^^^^^^^
{file}:7:1: device: must be text, in quotes: "…"
    7 | device = 3
      | ^^^^^^^^^^
{file}:8:1: delay: "soon" is not a duration
    write it like "30s", "1m30s" or 30 (seconds)
    8 | delay = "soon"
      | ^^^^^^^^^^^^^^
{file}:9:1: history: must be true or false, without quotes
    9 | history = 1
      | ^^^^^^^^^^^
{file}:10:1: voice: is empty
    write a value, or take the line out
    10 | voice = " "
       | ^^^^^^^^^^^
{file}:11:2: steps: unknown key "steps"
    known here: voice, rate, language, profile, device, delay, no_ui, history
    11 | [steps]
       |  ^^^^^
"""
    )


def test_a_text_that_is_no_toml_is_told_as_settings(command: Command, written: Callable[[str], Path]) -> None:
    file = written("voice = espeak\n")
    ended = command("play", "--no-ui")
    assert ended.status == 2
    assert ended.err == (
        f"{file}:1:9: not valid TOML: there is no value that TOML knows\n"
        '    a setting is a line like rate = 140, or voice = "espeak" with straight quotes\n'
        "    1 | voice = espeak\n      |         ^^^^^^\n"
    )


def test_a_variable_that_is_wrong_is_named(command: Command, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEROUTINE_RATE", "20")
    assert command("show", str(small)) == (2, "", "VOICEROUTINE_RATE: must be 80 or more\n")
    monkeypatch.setenv("VOICEROUTINE_RATE", "fast")
    assert command("show", str(small)).err == "VOICEROUTINE_RATE: must be a whole number, like 140\n"
    monkeypatch.setenv("VOICEROUTINE_RATE", "")
    assert command("show", str(small), "--estimate").status == 0


BROKEN = {
    "not TOML": b"rate = \n",
    "a wrong value": b"rate = 9\n",
    "not text": b"\xff\xfe\0r\0",
    "too large": b"#" * (1 << 20) + b"\n\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_settings_leave_what_mends_them_usable(command: Command, own_folders: Path, content: bytes) -> None:
    file = settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    listed = command("config")
    assert listed.status == 2
    assert listed.out.startswith("voice     as the routine says    default\nrate      as the routine says    default\n")
    assert listed.err.startswith(str(file))
    assert json.loads(command("config", "--json").out)["problems"] == [listed.err.rstrip("\n")]
    doctor = command("doctor")
    assert doctor.status == 0
    assert f"WRONG    {listed.err}" in doctor.out
    for arguments in (("--help",), ("play", "--help"), ("routines",), ("history",), ("check", "neck-cooldown")):
        ended = command(*arguments)
        assert (ended.status, ended.err) == (0, "")


def test_a_folder_in_its_place_is_told(command: Command, own_folders: Path) -> None:
    settings_file().mkdir(parents=True)
    ended = command("config", "rate", "140")
    assert ended.status == 2
    assert ended.err == (
        f"{settings_file()}: is a folder\n"
        '    mend it or move it away; "voiceroutine config NAME VALUE" begins a new one\n'
    )


def test_config_lists_every_setting_and_where_it_comes_from(
    command: Command, written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written('rate = 140\ndelay = "1m"\nno_ui = true\n')
    monkeypatch.setenv("VOICEROUTINE_PROFILE", "coach")
    monkeypatch.setenv("VOICEROUTINE_EXPORT_RATE", "200")
    ended = command("config")
    assert (ended.status, ended.err) == (0, "")
    assert (
        ended.out
        == f"""\
voice     as the routine says    default
rate      140                    config.toml
          200                    VOICEROUTINE_EXPORT_RATE, for export alone
language  as the routine says    default
profile   coach                  VOICEROUTINE_PROFILE
device    the system's           default
delay     1m                     config.toml
no_ui     on                     config.toml
history   off                    default

The file: {file}
To change one: voiceroutine config NAME VALUE
"""
    )
    told = "".join(f"  {line}\n" for line in ended.out.splitlines()[:9])
    assert f'Settings, which "voiceroutine config" changes, in {file}:\n{told}' in command("doctor").out


def test_one_setting_is_printed_alone(command: Command, written: Callable[[str], Path]) -> None:
    file = written("rate = 140\n")
    assert command("config", "rate") == (0, "140\n", "")
    assert command("config", "no-ui") == (0, "off\n", "")
    assert json.loads(command("config", "rate", "--json").out) == {
        "name": "rate",
        "value": 140,
        "otherwise": "as the routine says",
        "source": "file",
        "where": str(file),
        "variable": "VOICEROUTINE_RATE",
    }


def test_an_unknown_setting_has_a_hint(command: Command) -> None:
    assert command("config", "raet") == (2, "", 'There is no setting "raet"; did you mean "rate"?\n')
    assert command("config", "xyz", "1").err == (
        'There is no setting "xyz"; there are: voice, rate, language, profile, device, delay, no_ui, history\n'
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("rate", "900", "rate: must be 400 or less\n"),
        ("rate", "fast", "rate: must be a whole number, like 140\n"),
        ("profile", "queit", 'profile: must be "bell", "quiet", "normal" or "coach"\n    did you mean "quiet"?\n'),
        ("voice", "espaek:en", 'voice: there is no voice engine "espaek"\n    did you mean "espeak"?\n'),
        ("history", "maybe", "history: must be on or off\n"),
        ("delay", "long", 'delay: "long" is not a duration\n    write it like "30s", "1m30s" or 30 (seconds)\n'),
        ("device", "", "device: is empty\n    write a value, or take the line out\n"),
    ],
)
def test_a_value_is_checked_before_it_is_written(command: Command, name: str, value: str, told: str) -> None:
    assert command("config", name, value) == (2, "", told)
    assert not settings_file().exists()


def test_what_is_set_holds_from_then_on(command: Command, small: Path) -> None:
    assert command("config", "voice", "silent") == (0, "voice: silent (config.toml)\n", "")
    assert command("config", "no-ui", "yes") == (0, "no_ui: on (config.toml)\n", "")
    assert command("config", "delay", "10") == (0, "delay: 10s (config.toml)\n", "")
    assert settings_file().read_text() == 'voice = "silent"\nno_ui = true\ndelay = "10s"\n'
    assert voice_shown(command, str(small)) == "silent"
    assert command("config", "voice", "--unset") == (0, "voice: as the routine says (default)\n", "")
    assert settings_file().read_text() == 'no_ui = true\ndelay = "10s"\n'
    assert voice_shown(command, str(small)) == "espeak"


def test_to_unset_what_was_never_set_makes_no_file(command: Command) -> None:
    assert command("config", "rate", "--unset") == (0, "rate: as the routine says (default)\n", "")
    assert not settings_file().exists()


def test_a_variable_that_hides_a_change_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEROUTINE_RATE", "200")
    assert command("config", "rate", "140") == (
        0,
        "rate: 200 (VOICEROUTINE_RATE)\n",
        "The file is changed, but the variable VOICEROUTINE_RATE goes before it.\n",
    )


def test_comments_order_and_line_ends_stay(command: Command, written: Callable[[str], Path]) -> None:
    file = written("# mine\r\n\r\nrate = 140   # calm\r\nprofile = 'quiet'\r\n\r\n[me]\r\npace = 0.9 # me\r\n")
    assert command("config", "rate", "120").status == 0
    assert command("config", "voice", "silent").status == 0
    assert command("config", "profile", "--unset").status == 0
    assert file.read_bytes() == (
        b'# mine\r\n\r\nrate = 120   # calm\r\nvoice = "silent"\r\n\r\n[me]\r\npace = 0.9 # me\r\n'
    )
    assert {name: found.value for name, found in current().items() if found.value is not None} == {
        "rate": 120,
        "voice": "silent",
    }


def test_one_wrong_line_is_mended_while_others_are_wrong(command: Command, written: Callable[[str], Path]) -> None:
    file = written("rate = 9\nprofile = 3\n")
    assert command("config", "rate", "90") == (0, "rate: 90 (config.toml)\n", "")
    assert file.read_text() == "rate = 90\nprofile = 3\n"
    assert command("config", "profile", "--unset").status == 0
    assert command("config").status == 0


def test_a_text_that_is_no_toml_is_left_alone(command: Command, written: Callable[[str], Path]) -> None:
    file = written("rate = \n# a thought\n")
    ended = command("config", "rate", "140")
    assert ended.status == 2
    assert ended.err.startswith(f"{file}:1:8: not valid TOML: ")
    assert file.read_text() == "rate = \n# a thought\n"


def test_a_folder_that_may_not_be_written_is_told(command: Command, own_folders: Path) -> None:
    settings_file().parent.parent.mkdir(parents=True, exist_ok=True)
    settings_file().parent.write_text("in the way")
    ended = command("config", "rate", "140")
    assert ended.status == 2
    assert ended.err.startswith(f"{settings_file()} could not be written, and is as it was: ")


def test_unset_needs_a_name_and_no_value(command: Command) -> None:
    for arguments in (("--unset",), ("rate", "140", "--unset")):
        ended = command("config", *arguments)
        assert ended.status == 2
        assert "--unset takes a NAME out: voiceroutine config NAME --unset" in ended.err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "rate = 90\n"),
        ("# only a thought\n", "# only a thought\nrate = 90\n"),
        ('voice = "a"', 'voice = "a"\nrate = 90\n'),
        ('[me]\nname = "Ada"\n', 'rate = 90\n\n[me]\nname = "Ada"\n'),
        ('me.name = "Ada"\n', 'me.name = "Ada"\nrate = 90\n'),
        ("rate=100#x\n", "rate=90#x\n"),
    ],
)
def test_a_setting_is_never_written_into_a_table(before: str, after: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    text = rewritten(before, "rate", 90)
    file.write_text(text)
    assert survey({}, file).found["rate"].value == 90
    assert text == after


def test_the_help_has_every_setting(command: Command) -> None:
    lines = command("config", "--help").out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in SETTINGS] == [*SETTINGS]


def test_the_flags_and_the_settings_allow_the_same(command: Command) -> None:
    helped = command("play", "--help").out
    assert f"[{'|'.join(PROFILES)}]" in helped
    least, most = RATE_WPM
    for rate in (least, most):
        assert command("config", "rate", str(rate)).status == 0
        assert command("show", "neck-cooldown", "--estimate").status == 0
    for rate in (least - 1, most + 1):
        assert command("config", "rate", str(rate)).status == 2
        assert command("show", "neck-cooldown", "--estimate", "--rate", str(rate)).status == 2


def test_every_setting_is_the_default_of_a_flag_that_is_there(command: Command) -> None:
    for name, flags in FLAGS.items():
        assert name in COMMANDS
        for flag in flags:
            assert f"--{flag.replace('_', '-')}" in command(name, "--help").out
    assert {flag for flags in FLAGS.values() for flag in flags} == SETTINGS.keys() - {"history"}


def test_help_reads_no_settings() -> None:
    code = (
        "import contextlib, io, sys\nfrom voiceroutine.cli import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    assert run(['--help']) == run(['play', '--help']) == 0\n"
        "print('voiceroutine.settings' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_page_about_settings_has_them_all() -> None:
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    assert [row[1].strip(" `") for row in rows][: len(SETTINGS)] == [*SETTINGS]
    for name, flags in FLAGS.items():
        [row] = [row for row in rows if f"`{name}`" in row[1]]
        assert [cell.strip() for cell in row[2:9]] == ["yes" if flag in flags else "" for flag in FLAGS["play"]]


def test_play_gets_what_only_it_has(written: Callable[[str], Path]) -> None:
    written('device = "Headphones"\ndelay = "1m30s"\nno_ui = true\n')
    with click.Context(group, info_name="voiceroutine", default_map=user_defaults()) as parent:
        settled = play.make_context("play", [], parent=parent).params
        flagged = play.make_context("play", ["--delay", "2", "--device", "3"], parent=parent).params
    assert (settled["device"], settled["delay"], settled["no_ui"]) == ("Headphones", 90_000, True)
    assert (flagged["device"], flagged["delay"], flagged["no_ui"]) == ("3", 2_000, True)


def test_a_settled_device_that_is_not_there_is_named(
    command: Command, small: Path, written: Callable[[str], Path]
) -> None:
    written('device = "no such device"\n')
    ended = command("play", str(small))
    assert ended.status == 5
    assert ended.err.startswith('The sound device "no such device" does not work. Tried:\n')


def test_a_voice_in_a_folder_is_found_from_everywhere(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    ended = command("config", "voice", "recordings:mine")
    assert ended.out == f"voice: recordings:{tmp_path / 'mine'} (config.toml)\n"
