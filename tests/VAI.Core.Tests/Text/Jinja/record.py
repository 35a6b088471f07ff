"""Writes Cases/*.json: what Jinja2 3.1.6, set up as transformers sets it up, makes of the miniatures in Cases/*.txt.

Run by hand (`python3 record.py`) after a change of a .txt file; CI does not run it. A .txt file holds, line by line:
  # a comment
  =name: JSON             gives a variable to all cases below it
  template                a case; \\n, \\r and \\t in it are those characters, `\\\\` is a backslash
  template ==> text !! why  a case where VAI means to differ: what it gives ("error" for an error), and why
"""
import datetime
import json
import pathlib
import re

import jinja2.ext
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent / "Cases"


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise TemplateError(message)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols, Generation])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime(2026, 11, 26, 12, 0, 0).strftime(f)
    return env


def render(env, template, context):
    """The text, or None for an error."""
    try:
        text = env.from_string(template).render(**json.loads(json.dumps(context)))
        text.encode("utf-8")
        return text
    except Exception:  # noqa: BLE001 - whatever it is, it is an error to Jinja2's caller
        return None


def unescape(line):
    return re.sub(r"\\([nrt\\])", lambda m: {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[m[1]], line)


def record(path, env):
    context, cases = {}, []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line or line.startswith("# "):
            continue
        if given := re.fullmatch(r"=(\w+): (.*)", line):
            context[given[1]] = json.loads(given[2])
            continue
        line, _, differs = line.partition(" ==> ")
        template = unescape(line)
        text = render(env, template, context)
        case = {"name": f"{path.stem} {number}", "template": template}
        if differs:
            ours, _, why = differs.partition(" !! ")
            case |= {"error": True} if ours == "error" else {"text": unescape(ours)}
            # Addresses are others each time: a record of what did not change does not change either.
            case |= {"why": why, "jinja2": "an error" if text is None else re.sub(r"\b0x[0-9a-f]{6,}", "0x...", text)}
        else:
            case |= {"error": True} if text is None else {"text": text}
        cases.append(case)
    lines = ",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in cases)
    path.with_suffix(".json").write_text(
        '{\n"context": ' + json.dumps(context, ensure_ascii=False) + ',\n"cases": [\n' + lines + "\n]\n}\n", encoding="utf-8", newline="\n")
    return len(cases)


if __name__ == "__main__":
    env = environment()
    print(sum(record(path, env) for path in sorted(HERE.glob("*.txt"))), "cases")
