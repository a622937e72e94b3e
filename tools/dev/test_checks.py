#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checkers catch what they are for: each case builds a small tree, runs one checker over it and
compares what it says. TAP; --list prints the cases' names."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
LAYERS = {"sstp/base/.may_include": "# lowest\nsstp/base/\n", "sstp/base/wire.h": SPDX,
          "sstp/net/.may_include": "sstp/net/\nsstp/base/\n", "sstp/net/tls.h": SPDX,
          "tun/.may_include": "tun/\n"}
GUARDED = SPDX + "#ifndef A_H\n#define A_H\n%s\n#endif\n"

# name: (checker, files, what it must say; None: it must pass)
CASES = {
    "include_of_a_lower_layer_is_fine":
        ("check_includes", {"sstp/net/a.c": '#include "sstp/base/wire.h"\n'}, None),
    "include_of_an_upper_layer_is_caught":
        ("check_includes", {"sstp/base/a.c": '\n#include "sstp/net/tls.h"\n'},
         'sstp/base/a.c:2: may not include "sstp/net/tls.h": .may_include allows sstp/base/'),
    "sub_folder_takes_the_rules_of_its_parent":
        ("check_includes", {"sstp/base/deep/a.c": '#include "sstp/net/tls.h"\n'},
         'sstp/base/deep/a.c:1: may not include "sstp/net/tls.h": .may_include allows sstp/base/'),
    "include_that_is_not_from_the_root_is_caught":
        ("check_includes", {"sstp/base/a.c": '#include "wire.h"\n'},
         'sstp/base/a.c:1: "wire.h" is not a file of the tree: write the path from the root'),
    "folder_without_rules_is_caught":
        ("check_includes", {"other/a.c": '#include "sstp/base/wire.h"\n'},
         "other/a.c:1: no .may_include in its folder or above"),
    "libevent_outside_its_wall_is_caught":
        ("check_includes", {"sstp/base/a.c": "#include <event2/event.h>\n"},
         "sstp/base/a.c:1: may not include <event2/event.h>: behind a wall"),
    "libevent_inside_its_wall_is_fine":
        ("check_includes", {"sstp/net/loop.c": "#include <event2/event.h>\n"}, None),
    "libssl_in_another_file_of_its_folder_is_caught":
        ("check_includes", {"sstp/net/loop.c": "#  include <openssl/ssl.h>\n"},
         "sstp/net/loop.c:1: may not include <openssl/ssl.h>: behind a wall"),
    "netlink_outside_tun_is_caught":
        ("check_includes", {"sstp/net/a.c": "#include <linux/rtnetlink.h>\n"},
         "sstp/net/a.c:1: may not include <linux/rtnetlink.h>: behind a wall"),
    "netlink_inside_tun_is_fine":
        ("check_includes", {"tun/a.c": "#include <libmnl/libmnl.h>\n#include <linux/if_tun.h>\n"},
         None),
    "badly_formatted_file_is_caught":
        ("check_format", {"a.c": "int main(void)\n{\n    return 0;\n}\n"}, "a.c:2:"),
    "well_formatted_file_is_fine":
        ("check_format", {"a.c": "int main(void)\n{\n\treturn 0;\n}\n"}, None),
    "trailing_blank_is_caught":
        ("check_text", {"notes": "one \ntwo\n"}, "notes:1: blanks at the end of the line"),
    "tab_in_a_python_file_is_caught":
        ("check_text", {"a.py": "# SPDX-License-Identifier: Apache-2.0\nif 1:\n\tpass\n"},
         "a.py:3: tab"),
    "source_without_licence_line_is_caught":
        ("check_text", {"a.c": "int a;\n"}, "a.c:1: no line 'SPDX"),
    "missing_newline_at_the_end_is_caught":
        ("check_text", {"notes": "one\ntwo"}, "notes:2: no newline at the end of the file"),
    "corpus_file_is_not_text":
        ("check_text", {"notes": "fine\n", "test/fuzz/corpus/x/blank": "one "}, None),
    "header_that_needs_another_one_is_caught":
        ("check_headers", {"a.h": GUARDED % "size_t a_size(void);"},
         "a.h:1: does not compile alone:"),
    "header_with_a_foreign_guard_is_caught":
        ("check_headers", {"b.h": GUARDED % ""}, "b.h:1: the guard is not B_H"),
    "header_that_includes_what_it_needs_is_fine":
        ("check_headers", {"a.h": GUARDED % "#include <stddef.h>\nsize_t a_size(void);"}, None),
    "empty_tree_is_no_pass":
        ("check_includes", {}, "nothing to check"),
}


def run_case(checker, files, expected):
    """Returns None, or what was wrong."""
    with tempfile.TemporaryDirectory() as root:
        tree = dict(LAYERS, **files) if checker == "check_includes" and files else files
        for path, text in tree.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        shutil.copy(os.path.join(HERE, "..", "..", ".clang-format"), root)
        run = subprocess.run([sys.executable, os.path.join(HERE, checker), "--root", root],
                             capture_output=True, text=True, check=False)
    said = run.stdout + run.stderr
    if run.returncode != (1 if expected else 0):
        return f"exit {run.returncode}, said: {said}"
    if expected and expected not in said:
        return f"expected: {expected}\nsaid: {said}"
    return None


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
        return
    print(f"1..{len(CASES)}", flush=True)
    failed = 0
    for number, (name, case) in enumerate(CASES.items(), 1):
        problem = run_case(*case)
        failed += problem is not None
        print(f"{'not ok' if problem else 'ok'} {number} - {name}", flush=True)
        for line in (problem or "").splitlines():
            print(f"# {line}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
