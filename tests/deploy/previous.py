"""The version before: what people have when they upgrade.

The file `previous` beside this one names its commit; whoever releases writes the release before into it.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tomllib


def build(root, target):
    """Builds its functions, unoptimized; its template for `sam deploy`, or None where its commit is not in the clone."""
    commit = pathlib.Path(__file__).with_name("previous").read_text().strip()
    if subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=root, stderr=subprocess.DEVNULL).returncode:
        print(f"\n!! commit {commit} is not in this clone (a shallow one?): UPGRADE AND WAY BACK ARE NOT TRIED", flush=True)
        return None
    print(f"\n-- the version before, {commit[:7]}", flush=True)
    # Dependencies are taken from what the tests built, hence with the present profile; for cargo, though, its own packages would be the
    # present ones but for another profile, which is why they have one.
    present = tomllib.loads((root / "Cargo.toml").read_text())["profile"]["dev"]["package"]
    profile = [f"--config=profile.dev.package.'{name}'.{key}={str(value).lower()}" for name, keys in present.items() for key, value in keys.items()]
    sources = target / "previous"
    if sources.exists():
        subprocess.run(["git", "worktree", "remove", "--force", sources], cwd=root, check=False)
        shutil.rmtree(sources, ignore_errors=True)
    subprocess.run(["git", "worktree", "prune"], cwd=root, check=True)
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", sources, commit], cwd=root, check=True)
    build = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bins", "--target-dir", target, *profile]
    subprocess.run(build, cwd=sources, check=True, env={**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0"})
    template = (sources / "template.yaml").read_text()
    for function in re.findall(r"CodeUri: functions/(\w+)", template):
        code = target / "previous-functions" / function
        code.mkdir(parents=True, exist_ok=True)
        subprocess.run(["strip", "-o", code / "bootstrap", target / "debug" / function], check=True)
        template = template.replace(f"CodeUri: functions/{function}\n", f"CodeUri: {code}\n")
    built = target / "previous-functions" / "template.yaml"
    built.write_text(template)
    return built
