"""A Hugging Face Hub on this machine, as far as huggingface_hub's client needs one.

It keeps repositories in memory, and checks tokens, sums and parent commits.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.hub.hub_metadata import metadata_problems
from tests.hub.hub_transport import FaultyServer, Refusal, Transport

WRITE_TOKEN, READ_TOKEN = "hf_loopback_write", "hf_loopback_read"
OWNER = "painter"
REPO = r"([\w.-]+/[\w.-]+)"


@dataclass
class Repository:
    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        sha = secrets.token_hex(20)
        self.commits[sha], self.refs[branch] = files, sha
        return sha


class HubServer(FaultyServer):
    def __init__(self) -> None:
        self.clear()
        super().__init__(HubHandler)

    def clear(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.faults = []
        self.log = []

    def add(self, repo_id: str, files: dict[str, bytes], *, private: bool = False) -> str:
        """Commit these files, and no others, to the branch main."""
        repository = self.repositories.setdefault(repo_id, Repository(private))
        return repository.commit("main", files)

    def files(self, repo_id: str, revision: str = "main") -> dict[str, bytes]:
        repository = self.repositories[repo_id]
        return repository.commits[repository.refs.get(revision, revision)]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def is_lfs(path: str) -> bool:
    return path.endswith((".safetensors", ".bin"))


def object_id(path: str, data: bytes) -> str:
    if is_lfs(path):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class HubHandler(Transport):
    server: HubServer

    def find_answer(self, path: str) -> Callable[[bytes], None]:
        for method, pattern, answer in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split():
                return lambda body: answer(self, body, *match.groups())
        raise Refusal(404, f"no such route: {self.command} {path}")

    def user(self) -> str | None:
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if given and given not in (WRITE_TOKEN, READ_TOKEN):
            raise Refusal(401, "Invalid credentials in Authorization header")
        return given or None

    def readable(self, repo_id: str) -> Repository:
        repository, user = self.server.repositories.get(repo_id), self.user()
        if repository is None or (repository.private and user is None):
            raise Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
        return repository

    def check_may_write(self, repo_id: str) -> None:
        user = self.user()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        if user != WRITE_TOKEN or not repo_id.startswith(f"{OWNER}/"):
            raise Refusal(403, f"Forbidden: you may not write to {repo_id}")

    def resolve(self, repo_id: str, revision: str) -> tuple[str, dict[str, bytes]]:
        repository = self.readable(repo_id)
        sha = repository.refs.get(revision, revision)
        if sha not in repository.commits:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha, repository.commits[sha]

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        repo_id = f"{wanted.get('organization') or OWNER}/{wanted['name']}"
        self.check_may_write(repo_id)
        url = {"url": f"{self.server.url}/{repo_id}", "id": repo_id, "name": repo_id}
        if repo_id in self.server.repositories:
            return self.answer({"error": "You already created this model repo", **url}, 409)
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.server.add(repo_id, {".gitattributes": b"*.safetensors lfs\n"}, private=private)
        self.answer(url)

    def validate_yaml(self, body: bytes) -> None:
        problems = metadata_problems(json.loads(body)["content"])
        errors = [{"message": problem} for problem in problems]
        self.answer({"errors": errors, "warnings": []}, 400 if problems else 200)

    def branch(self, _: bytes, repo_id: str, name: str) -> None:
        self.check_may_write(repo_id)
        refs = self.readable(repo_id).refs
        if name in refs:
            raise Refusal(409, "Reference already exists")
        refs[name] = refs["main"]
        self.answer({})

    def preupload(self, body: bytes, repo_id: str, revision: str) -> None:
        self.check_may_write(repo_id)
        _, files = self.resolve(repo_id, revision)
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if is_lfs(file["path"]) else "regular",
                "shouldIgnore": False,
                "oid": object_id(file["path"], files[file["path"]])
                if file["path"] in files
                else None,
            }
            for file in json.loads(body)["files"]
        ]
        self.answer({"files": modes})

    def lfs_batch(self, body: bytes, repo_id: str) -> None:
        self.check_may_write(repo_id)
        objects = [
            {"oid": item["oid"], "size": item["size"]}
            if item["oid"] in self.server.objects
            else {
                **item,
                "actions": {"upload": {"href": f"{self.server.url}/lfs/{item['oid']}"}},
            }
            for item in json.loads(body)["objects"]
        ]
        self.answer({"transfer": "basic", "objects": objects})

    def lfs_put(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refusal(400, "the sum does not match")
        self.server.objects[oid] = body
        self.answer({})

    def commit(self, body: bytes, repo_id: str, branch: str) -> None:
        self.check_may_write(repo_id)
        head, files = self.resolve(repo_id, branch)
        files = dict(files)
        for line in map(json.loads, body.splitlines()):
            key, value = line["key"], line["value"]
            if key == "header" and value.get("parentCommit", head) != head:
                raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if value["oid"] not in self.server.objects:
                    raise Refusal(400, f"object {value['oid']} was not uploaded")
                files[value["path"]] = self.server.objects[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        sha = self.readable(repo_id).commit(branch, files)
        url = f"{self.server.url}/{repo_id}/commit/{sha}"
        self.answer({"commitUrl": url, "commitOid": sha, "success": True})

    def info(self, _: bytes, repo_id: str, revision: str | None = None) -> None:
        sha, files = self.resolve(repo_id, revision or "main")
        siblings = [{"rfilename": path} for path in sorted(files)]
        private = self.readable(repo_id).private
        self.answer(
            {"_id": sha, "id": repo_id, "sha": sha, "private": private, "siblings": siblings}
        )

    def tree(self, _: bytes, repo_id: str, revision: str) -> None:
        _sha, files = self.resolve(repo_id, revision)
        entries: list[dict[str, Any]] = []
        for path, data in sorted(files.items()):
            oid = object_id(path, data)
            entry = {"type": "file", "path": path, "size": len(data), "oid": oid}
            lfs = {"lfs": {"oid": oid, "size": len(data), "pointerSize": 130}}
            entries.append({**entry, **(lfs if is_lfs(path) else {})})
        folders = {str(path.rpartition("/")[0]) for path in files if "/" in path}
        entries += [{"type": "directory", "path": path, "size": 0, "oid": "0"} for path in folders]
        assert "true" in [x.lower() for x in parse_qs(urlsplit(self.path).query)["recursive"]]
        self.answer(entries)

    def file(self, _: bytes, repo_id: str, revision: str, path: str) -> None:
        sha, files = self.resolve(repo_id, revision)
        headers = {"X-Repo-Commit": sha}
        if path not in files:
            headers |= {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            return self.answer({"error": "Entry not found"}, 404, headers)
        data, oid = files[path], object_id(path, files[path])
        if not is_lfs(path):
            return self.send(data, headers={**headers, "ETag": f'"{oid}"'})
        headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(data))}
        self.server.objects[oid] = data
        # Another host, as the Hub's is: the client then gives it no token.
        cdn = self.server.url.replace("127.0.0.1", "localhost")
        self.send(b"", 302, {**headers, "Location": f"{cdn}/cdn/{oid}"})

    def content(self, _: bytes, oid: str) -> None:
        if "Authorization" in self.headers:
            raise Refusal(400, "a token went to another host")
        data = self.server.objects[oid]
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match is None:
            return self.send(data, headers={"ETag": f'"{oid}"'})
        start = int(match[1])
        self.server.log.append(("RANGE", f"/cdn/{oid}?{start}"))
        span = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        self.send(data[start:], 206, span)


Answer = Callable[..., None]
ROUTES: list[tuple[str, str, Answer]] = [
    ("POST", "/api/repos/create", HubHandler.create),
    ("POST", "/api/validate-yaml", HubHandler.validate_yaml),
    ("POST", f"/api/models/{REPO}/branch/(.+)", HubHandler.branch),
    ("POST", f"/api/models/{REPO}/preupload/(.+)", HubHandler.preupload),
    ("POST", f"/api/models/{REPO}/commit/(.+)", HubHandler.commit),
    ("POST", f"/{REPO}\\.git/info/lfs/objects/batch", HubHandler.lfs_batch),
    ("PUT", r"/lfs/(\w+)", HubHandler.lfs_put),
    ("GET", f"/api/models/{REPO}", HubHandler.info),
    ("GET", f"/api/models/{REPO}/revision/(.+)", HubHandler.info),
    ("GET", f"/api/models/{REPO}/tree/(.+)", HubHandler.tree),
    ("GET HEAD", f"/{REPO}/resolve/([^/]+)/(.+)", HubHandler.file),
    ("GET HEAD", r"/cdn/(\w+)", HubHandler.content),
]
