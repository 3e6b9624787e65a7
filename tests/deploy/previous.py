"""The previous release, from which an upgrade starts.

The file `previous` beside this one names its commit. Making a release includes writing the commit of the release before into it.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib


def over_debug_functions(template, binaries, folder):
    """Copies the template with each function's code replaced by its debug binary, stripped. Returns the path of the copy."""
    text = template.read_text()
    for function in re.findall(r"CodeUri: functions/(\w+)", text):
        code = folder / function
        code.mkdir(parents=True, exist_ok=True)
        subprocess.run(["strip", "-o", code / "bootstrap", binaries / function], check=True)
        text = text.replace(f"CodeUri: functions/{function}\n", f"CodeUri: {code}\n")
    built = folder / "template.yaml"
    built.write_text(text)
    return built


def build(root, target):
    """Builds the previous release's functions, unoptimized. Returns its template for `sam deploy`."""
    commit = pathlib.Path(__file__).with_name("previous").read_text().strip()
    if subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=root, stderr=subprocess.DEVNULL).returncode:
        sys.exit(f"commit {commit} is not in this clone (is it a shallow one?): the upgrade cannot be tested")
    print(f"\n-- the previous release, {commit[:7]}", flush=True)
    # The build reuses the dependencies that the tests built, so it has the current profile of dependencies. The workspace packages have
    # another profile, so that cargo does not confuse them with the current ones.
    current = tomllib.loads((root / "Cargo.toml").read_text())["profile"]["dev"]["package"]
    profile = [f"--config=profile.dev.package.'{name}'.{key}={str(value).lower()}" for name, keys in current.items() for key, value in keys.items()]
    sources = target / "previous"
    if sources.exists():
        subprocess.run(["git", "worktree", "remove", "--force", sources], cwd=root, check=False)
        shutil.rmtree(sources, ignore_errors=True)
    subprocess.run(["git", "worktree", "prune"], cwd=root, check=True)
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", sources, commit], cwd=root, check=True)
    build = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bins", "--target-dir", target, *profile]
    # Without the lints of `.ci/run`: they are those of the present version.
    plain = {name: value for name, value in os.environ.items() if name not in ("RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS")}
    subprocess.run(build, cwd=sources, check=True, env={**plain, "CARGO_PROFILE_DEV_DEBUG": "0"})
    return over_debug_functions(sources / "template.yaml", target / "debug", target / "previous-functions")
