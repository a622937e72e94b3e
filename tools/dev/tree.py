# SPDX-License-Identifier: Apache-2.0
"""What the checkers share: the files of the tree, and how findings are reported.

The tree is walked, not asked of git: a file that is not added yet is checked too, and a tarball works.
Build directories (those with a meson-private inside) and .git are left out.
"""
import argparse
import os
import sys


def files(root, suffixes=None):
    """Yields paths relative to root, sorted, of regular files that end in one of suffixes."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if not _is_foreign(os.path.join(folder, f)))
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name == ".git" or os.path.islink(path):
                continue
            if suffixes is None or name.endswith(tuple(suffixes)):
                yield os.path.relpath(path, root)


def _is_foreign(folder):
    name = os.path.basename(folder)
    return name in (".git", "__pycache__") or os.path.isdir(os.path.join(folder, "meson-private"))


def arguments(description):
    """The root from the command line: --root DIR, by default the tree that holds this file."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    return os.path.abspath(parser.parse_args().root)


def report(findings, checked):
    """Prints "FILE:LINE: sentence" lines and ends the process: 1 with findings or nothing to check."""
    for finding in findings:
        print(finding)
    if not checked:
        print("nothing to check: is this the root of the tree?")
    print(f"{checked} files, {len(findings)} findings")
    sys.exit(1 if findings or not checked else 0)
