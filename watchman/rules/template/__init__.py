"""Go's text/template as Prometheus' rule files use it: `{{ $labels.instance }} is {{ $value | humanize }}`.

Texts of labels and annotations are read by `lexer` and `parser`, executed by `walker` and `evaluator` on the labels and
the value of one element, with Go's own functions (`builtins`) and Prometheus' (`prometheus`). Everything is pure but
for the query handed in. What a template may cost is bounded; one that fails gives an error text and stops nothing.
"""

from watchman.rules.template.expander import Expand, Expander, check_template, make_expander

__all__ = ["Expand", "Expander", "check_template", "make_expander"]
