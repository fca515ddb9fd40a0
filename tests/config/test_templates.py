"""A receiver's own words: read from config or file, and every fault told with its place before a message needs them."""

import pytest

from watchman.config import load_config
from watchman.config.templates import read_templates
from watchman.errors import ConfigError
from watchman.notify.wording import Templates

CONFIG = """\
prometheus: {{url: http://localhost:9090}}
site: {{name: home, timezone: Europe/Berlin}}
receivers:
  - name: phone
    apprise: ["ntfys://ntfy.example.org/home"]
    templates:
{lines}
route: {{receiver: phone}}
"""


@pytest.fixture
def load(tmp_path):
    def load_lines(*lines):
        file = tmp_path / "config.yaml"
        file.write_text(CONFIG.format(lines="\n".join(f"      {line}" for line in lines)))
        return load_config(file, {})

    return load_lines


def test_templates_come_from_the_config_and_from_files_beside_it(load, tmp_path):
    (tmp_path / "mail.html").write_text("<p>{{ alerts[0].summary }}</p>")
    config = load("title: '{{ site }}: {{ alerts[0].summary }}'", "html_file: mail.html")

    found = read_templates(config.receivers[0].templates, config.folder)
    assert found == Templates("{{ site }}: {{ alerts[0].summary }}", None, "<p>{{ alerts[0].summary }}</p>")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("title: '{% for %}'", "7:7: receivers[0].templates.title: the template fails: line 1: "),
        ("text: '{{ alerts[0].sumary }}'", "7:7: receivers[0].templates.text: the template fails: UndefinedError: "),
        (
            "html_file: nothing.html",
            "7:7: receivers[0].templates.html_file: cannot read the template nothing.html: No ",
        ),
        (
            "text_file: latin.txt",
            "7:7: receivers[0].templates.text_file: cannot read the template latin.txt: not UTF-8",
        ),
        ("subject: x", "7:7: receivers[0].templates.subject: unknown key"),
        ("{title: x, title_file: y}", "receivers[0].templates: give title or title_file, not both"),
    ],
)
def test_what_is_wrong_with_a_template_is_told_with_its_place(load, tmp_path, line, fault):
    (tmp_path / "latin.txt").write_bytes(b"\xe4")
    with pytest.raises(ConfigError) as caught:
        load(line)

    [found] = caught.value.faults
    assert fault in f"{found.line}:{found.column}: {found.message}"
