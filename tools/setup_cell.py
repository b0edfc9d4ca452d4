# @title Setup: find the course, or fetch it  {display-mode: "form"}
import importlib.util
import pathlib
import subprocess
import sys

here = pathlib.Path.cwd()
fetched = here / "REPO_NAME"
course = next((folder for folder in (here, *here.parents, fetched) if (folder / "data" / "village.py").is_file()), None)
quietly = {"check": True, "capture_output": True, "text": True}
try:
    if course is None:              # this notebook stands alone, as in Colab: put the course beside it
        course = fetched
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", "https://github.com/REPO_SLUG", str(course)], **quietly)
    if course == fetched:
        needed = ("tiktoken", "regex", "safetensors", "pooch", "datasketch")
        missing = [name for name in needed if importlib.util.find_spec(name) is None]
        if missing:
            subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], **quietly)
except (OSError, subprocess.CalledProcessError) as error:
    reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
    raise RuntimeError(f"The course is not here and could not be fetched. Is there a network, and git? ({reason})") from None
sys.path.insert(0, str(course))
