#!/usr/bin/env python3
"""image.py TREE OUT.tar < CONFIG: an OCI image archive with the files of TREE as its one layer.

CONFIG is JSON: "name" (with its tag) and what the image's `config` holds (Entrypoint, User, Env, Labels ...). The same
files give the same archive to the byte: sorted, dated 1970, owned by root. The layer is not compressed, so that the size of
the archive is what a node keeps.
"""

import hashlib
import io
import json
import os
import sys
import tarfile


def entry(tree: str, path: str) -> tuple[tarfile.TarInfo, bytes]:
    """What the archive says of one file, directory or symbolic link, and what is in it."""
    info, full = tarfile.TarInfo(path), os.path.join(tree, path)
    if os.path.islink(full):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(full), 0o777
        return info, b""
    # Nothing in an image is writable but by root; /tmp is everybody's.
    writable = os.stat(full).st_mode & 0o1000
    if os.path.isdir(full):
        info.type, info.mode = tarfile.DIRTYPE, 0o1777 if writable else 0o755
        return info, b""
    with open(full, "rb") as file:
        data = file.read()
    info.mode, info.size = 0o755 if os.access(full, os.X_OK) else 0o644, len(data)
    return info, data


def layer(tree: str) -> bytes:
    """All files as one archive."""
    paths = []
    for directory, directories, files in os.walk(tree):
        paths += [os.path.relpath(os.path.join(directory, name), tree) for name in directories + files]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(paths):
            info, data = entry(tree, path)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def described(kind: str, data: bytes) -> dict:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest(data)}", "size": len(data)}


def text(value: dict) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def main() -> None:
    tree, out = sys.argv[1:]
    wanted = json.load(sys.stdin)
    name = wanted.pop("name")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    files = layer(tree)
    config = text({"architecture": machine, "os": "linux", "created": "1970-01-01T00:00:00Z", "config": wanted,
                   "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(files)}"]}})
    manifest = text({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                     "config": described("config.v1+json", config), "layers": [described("layer.v1.tar", files)]})
    names = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1]}
    index = text({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                  "manifests": [{**described("manifest.v1+json", manifest), "annotations": names}]})
    blobs = [(f"blobs/sha256/{digest(blob)}", blob) for blob in (config, manifest, files)]
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index), *sorted(blobs)]:
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


main()
