"""Makes templates at random: mostly well-formed, mostly sensible, some broken."""

from __future__ import annotations

import random

_VERBS = (
    "v d s q f e g x X t c U b o O T E G +v #v 5d -5d| 05d .2f 8.3f 08.2f +d #x #o #U #q +q x 5s -5s| .1s % z 6.2v .3g"
)
_ATOMS = (
    "1 -3 2.5 0 1e6 1e-7 'a' 0x1f `r` true false nil 1234567.0 -0.001 100 60 3661.5 "
    '"x" "12" "" "3.7e5" "é" . $ $value $labels $labels.job $labels.nope $value.x '
    ".Labels .Value .Labels.job .ExternalLabels .Nope $value $labels"
)
# Without parseDuration: it takes negative durations since a version newer than promtool 2.42.
_BY_COUNT = {
    1: "humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp toTime title toUpper "
    "toLower stripPort stripDomain graphLink tableLink len html js urlquery not safeHtml first value strvalue call",
    2: "match args index slice println and or eq ne lt le gt ge label sortByLabel",
    3: "reReplaceAll print",
}
_ARGUMENTS = {name: count for count, names in _BY_COUNT.items() for name in names.split()}
_BREAKERS = ["", "}", "{{", "(", ")", "|", '"', "`", ".", "$", "\n", "'", "-", "/*"]


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.variables = ["$value", "$labels"]

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def argument(self, depth: int) -> str:
        if depth and self.likely(0.35):
            fields = self.chance.choice(["", "", "", "", "", " .x", ".arg0", ".Labels", ".job"])
            return f"({self.pipeline(depth - 1)}){fields}"
        return self.chance.choice(_ATOMS.split(" ") + self.variables * 2)

    def call(self, depth: int) -> str:
        if self.likely(0.25):
            verbs = [self.chance.choice(_VERBS.split(" ")) for _ in range(self.chance.randint(1, 3))]
            words = ["printf", '"' + "".join(self.chance.choice(["%", "a %", "|%"]) + verb for verb in verbs) + '"']
            count = len(verbs) + self.chance.choice([0, 0, 0, -1, 1])
        else:
            words = [self.chance.choice(list(_ARGUMENTS))]
            count = _ARGUMENTS[words[0]] + self.chance.choice([0] * 8 + [-1, 1])
        return " ".join(words + [self.argument(depth) for _ in range(count)])

    def pipeline(self, depth: int) -> str:
        commands = [self.call(depth) if self.likely(0.7) else self.argument(depth)]
        while self.likely(0.25):
            commands.append(self.call(depth))
        return " | ".join(commands)

    def action(self, content: str) -> str:
        return self.chance.choice(["{{ ", "{{", "{{- "]) + content + self.chance.choice([" }}", "}}", " -}}"])

    def node(self, depth: int) -> str:
        kind = self.chance.random()
        if kind < 0.3:
            return self.chance.choice(["a", " b ", "\n", "é ", " "])
        if kind < 0.65:
            return self.action(self.pipeline(2))
        if kind < 0.75:
            pipeline, name = self.pipeline(1), self.chance.choice(["$x", "$y", "$z"])
            self.variables.append(name)
            return self.action(f"{name} {self.chance.choice([':=', ':=', '='])} {pipeline}")
        return self.branch(depth - 1) if depth else "c"

    def branch(self, depth: int) -> str:
        known = list(self.variables)
        keyword = self.chance.choice(["if", "if", "with", "range"])
        text = self.action(f"{keyword} {self.range_head() if keyword == 'range' else self.pipeline(1)}") + self.body(
            depth
        )
        if keyword == "range":
            text += self.chance.choice(["", "{{break}}", "{{continue}}", "{{ if true }}{{ break }}{{ end }}"])
        if self.likely(0.5):
            text += "{{ else if " + self.pipeline(1) + " }}" if keyword == "if" and self.likely(0.4) else "{{ else }}"
            text += self.body(depth)
        self.variables = known
        return text + "{{ end }}"

    def range_head(self) -> str:
        declared = self.chance.choice(["", "", "$i, $e := ", "$e := "])
        self.variables += [name for name in ("$i", "$e") if name in declared]
        return declared + self.chance.choice(["$labels", 'query "sort(other)"', 'query "missing"', "$labels.nope"])

    def body(self, depth: int) -> str:
        return "".join(self.node(depth) for _ in range(self.chance.randint(1, 2)))

    def template(self) -> str:
        text = self.body(2)
        if self.likely(0.06):
            at = self.chance.randrange(len(text) + 1)
            text = text[:at] + self.chance.choice(_BREAKERS) + text[at + self.chance.randint(0, 2) :]
        return text


def make_templates(seed: int, count: int) -> list[str]:
    """As many templates, always the same for a seed; those without an action are left out."""
    chance = random.Random(seed)
    return [text for text in (_Maker(chance).template() for _ in range(count)) if "{{" in text]
