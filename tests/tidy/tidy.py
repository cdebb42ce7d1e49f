#!/usr/bin/env python3
"""House rules as a test: tidy.py includes|cycles|sizes|format|words|scars [--list]

Each fault is one line, file:line: what, and what to do instead. No fault, no output, exit 0.
"""
import os
import re
import subprocess
import sys

# Who may include whom (design: arrows never turn back). A folder may always include itself.
SERVER = {
    "base": [],
    "contract": ["base"],
    "cap": ["base", "contract"],
    "area": ["base", "contract"],
    "audience": ["base", "contract"],
    "receipts": ["base", "contract"],
    "authority": ["base", "contract", "cap", "area"],
    "plan": ["base", "contract", "cap", "area"],
    "ledger": ["base", "contract", "receipts", "plan"],
    "dispatch": ["base", "contract", "receipts", "plan", "ledger"],
    "campaign": ["base", "contract", "receipts", "plan", "ledger", "dispatch"],
    "replies": ["base", "contract", "audience", "ledger", "dispatch", "campaign"],
    "api": ["base", "contract", "cap", "area", "audience", "receipts", "authority", "plan",
            "ledger", "dispatch", "campaign", "replies"],
    "cli": ["base", "contract", "cap", "area", "audience", "plan"],
    "app": None,  # knows everybody
}
CHANNEL = ["server/base", "server/contract", "channels/shared"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SIZE_MAX = {"cpp": 700, "hpp": 350, "py": 500, "lua": 120}  # lines; a long table says so: `// table`
ALLOW_LONG = re.compile(r"//\s*table:|#\s*table:")


def files(*endings):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True,
                         text=True, check=True).stdout.split("\n")
    return [f for f in out if f and f.endswith(endings) and os.path.exists(f)]


def lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().split("\n")


def includes(path):
    for number, line in enumerate(lines(path), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1)


def folder(path):
    """server/cap/x.hpp -> server/cap; channels/sms/smpp/link.cpp -> channels/sms/smpp"""
    return os.path.dirname(path)


def allowed(user, used):
    if user == used or user.startswith("tests") or user.startswith("cmake"):
        return True
    if user == "server" or user.startswith("server/app"):
        return True
    if user.startswith("server/"):
        part = user.split("/")[1]
        target = used.split("/")
        if part not in SERVER:
            return False
        if target[0] != "server" or len(target) < 2:
            return False
        return target[1] == part or target[1] in SERVER[part]
    if user.startswith("channels/"):
        # channels/sms/smpp and channels/sms/cmpp share channels/sms/shared.
        if used == os.path.join(os.path.dirname(user), "shared"):
            return True
        return used in CHANNEL or (user == "channels/shared" and used.startswith("server/base"))
    return False


def rule_includes():
    for path in files(".cpp", ".hpp"):
        test = path.endswith("_test.cpp")
        for number, used in includes(path):
            if used == "channels/catalogue.def" and path == "server/app/catalogue.cpp":
                continue
            if not os.path.exists(used):
                yield f"{path}:{number}: no such file {used}: write it from the root of the repo"
            elif not allowed(folder(path), folder(used)) and not (
                    test and folder(used).startswith("tests/support")):
                yield f"{path}:{number}: {folder(path)} may not include {folder(used)}"
        for number, line in enumerate(lines(path), 1):
            if re.search(r"#\s*include\s*<boost/(asio|beast)\.hpp>", line):
                yield f"{path}:{number}: name the part of Asio or Beast that is needed"
            if path.endswith(".hpp") and re.search(r"#\s*include\s*<boost/(json|beast/http)\.hpp>", line):
                yield f"{path}:{number}: too heavy for a header: move it to the .cpp"


def rule_cycles():
    graph = {}
    for path in files(".cpp", ".hpp"):
        if path.startswith("tests") or path.endswith("_test.cpp"):
            continue
        for _, used in includes(path):
            if os.path.exists(used) and folder(path) != folder(used):
                graph.setdefault(folder(path), set()).add(folder(used))
    state = {}

    def visit(node, trail):
        state[node] = "open"
        for after in sorted(graph.get(node, ())):
            if state.get(after) == "open":
                yield f"{node}: a cycle of folders: {' -> '.join(trail + [node, after])}"
            elif after not in state:
                yield from visit(after, trail + [node])
        state[node] = "done"

    for node in sorted(graph):
        if node not in state:
            yield from visit(node, [])


def rule_sizes():
    for path in files(*("." + ending for ending in SIZE_MAX)):
        text = lines(path)
        most = SIZE_MAX[path.rsplit(".", 1)[1]] * (2 if "test" in path else 1)
        if len(text) > most and not any(ALLOW_LONG.search(line) for line in text[:20]):
            yield f"{path}:{most}: {len(text)} lines, its neighbours stay under {most}: what is the second idea in it?"


def rule_format():
    paths = files(".cpp", ".hpp")
    for start in range(0, len(paths), 50):
        run = subprocess.run(["clang-format", "--dry-run", *paths[start:start + 50]],
                             capture_output=True, text=True)
        seen = set()
        for line in run.stderr.split("\n"):
            found = re.match(r"([^:]+):(\d+):\d+: warning", line)
            if found and found.group(1) not in seen:
                seen.add(found.group(1))
                yield f"{found.group(1)}:{found.group(2)}: not formatted: clang-format -i {found.group(1)}"


def rule_words():
    bad = [(re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "do it now or leave it out"),
           (re.compile(r"/(work|root|home/[a-z]+)/"), "a path of one machine"),
           (re.compile(r"CHECK\(true\)|REQUIRE\(true\)|doctest::skip\("), "a test that asserts nothing")]
    for path in files(".cpp", ".hpp", ".lua", ".txt", ".cmake", ".mustache", ".toml", ".yaml", ".md", "setup",
                      "test", "demo", "bench", "run"):
        for number, line in enumerate(lines(path), 1):
            for pattern, what in bad:
                if pattern.search(line):
                    yield f"{path}:{number}: {pattern.search(line).group(0)}: {what}"


# Scars that what is built so far touches; each must stand in the name of a test.
SCARS = ("A1 A4 A7 A8 A10 A11 A12 B9 C1 C2 C3 C4 C6 C7 C8 D1 D2 D4 D5 E1 E2 E3 E4 E5 E6 E8 "
         "F1 F2 F3 F4 F5 F7 F8 F9 F10 F11 G6 H1 H3 H4 H6").split()


def tested_scars():
    name = re.compile(r'(?:TEST_CASE(?:_TEMPLATE)?\(|scar:)\s*"?([^"\n]*)')
    found = {}
    for path in files(".cpp", ".py", ".sh", ".mjs"):
        if path.endswith("tidy.py"):
            continue
        for number, line in enumerate(lines(path), 1):
            for title in name.findall(line):
                for scar in re.findall(r"\b([A-H]\d{1,2})\b", title.split(":")[0]):
                    found.setdefault(scar, []).append(f"{path}:{number}")
    return found


def rule_scars():
    found = tested_scars()
    if "--list" in sys.argv:
        for scar in sorted(found, key=lambda s: (s[0], int(s[1:]))):
            print(scar, " ".join(found[scar]))
    for scar in SCARS:
        if scar not in found:
            yield f"tests: scar {scar} has no test whose name begins with it"


def main():
    faults = list(globals()["rule_" + sys.argv[1]]())
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
