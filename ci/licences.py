#!/usr/bin/env python3
"""licences.py PACKAGE... : every crate that these packages link, with its version, licence, source and the licence's text."""

import glob
import hashlib
import json
import os
import subprocess
import sys

TEXTS = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "COPYRIGHT*", "UNLICENSE*", "license*")


def metadata() -> dict:
    target = f"{os.uname().machine}-unknown-linux-gnu"
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def linked(known: dict, names: list[str]) -> list[dict]:
    """The packages that are linked, without the workspace's own: neither build scripts nor tests count."""
    packages = {package["id"]: package for package in known["packages"]}
    nodes = {node["id"]: node for node in known["resolve"]["nodes"]}
    wanted = [key for key in known["workspace_members"] if packages[key]["name"] in names]
    if len(wanted) != len(names):
        sys.exit(f"licences.py: not all of {names} are in the workspace")
    seen = set()
    while wanted:
        key = wanted.pop()
        if key in seen:
            continue
        seen.add(key)
        for dependency in nodes[key]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                wanted.append(dependency["pkg"])
    own = set(known["workspace_members"])
    return sorted((packages[key] for key in seen - own), key=lambda package: (package["name"], package["version"]))


def texts(package: dict) -> list[str]:
    """What lies beside the crate's manifest under a name of a licence."""
    directory = os.path.dirname(package["manifest_path"])
    paths = {path for pattern in TEXTS for path in glob.glob(os.path.join(glob.escape(directory), pattern))}
    found = []
    for path in sorted(path for path in paths if os.path.isfile(path)):
        with open(path, encoding="utf-8", errors="replace") as file:
            found.append(file.read().strip())
    return found


def main() -> None:
    packages = linked(metadata(), sys.argv[1:])
    numbers: dict[str, int] = {}
    bodies: list[str] = []
    print("Crates that are linked into the program. The numbers are those of the texts below.\n")
    for package in packages:
        of_package = []
        for text in texts(package):
            key = hashlib.sha256(text.encode()).hexdigest()
            if key not in numbers:
                bodies.append(text)
                numbers[key] = len(bodies)
            of_package.append(numbers[key])
        licence = package["license"] or package["license_file"] or "see its source"
        stated = ", ".join(map(str, of_package)) or "none in its source"
        print(f"{package['name']} {package['version']}: {licence}; {package['repository'] or 'crates.io'}; texts: {stated}")
    for number, text in enumerate(bodies, 1):
        print(f"\n{'=' * 40} {number}\n\n{text}")


main()
