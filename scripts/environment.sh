#!/bin/sh
# Makes the virtual environment .venv, or leaves it alone: one that works and has what is asked for is kept.
# PYTHON=/path/to/python3 chooses the interpreter; without it the first one of 3.11 or newer on PATH is taken.
set -eu
cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/.installed
wanted=$(cat pyproject.toml constraints.txt | cksum)

say() { echo "$*" >&2; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has() { "$1" -c "import $2; $2.$3" >/dev/null 2>&1; }

works() { # .venv starts, is of the Python that was asked for and imports the package of this checkout
    [ -f "$stamp" ] && is_recent "$venv/bin/python" || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ] || return 1
    "$venv/bin/python" -I -c 'import os, sys, sigmasight_assets as it; sys.exit(os.path.dirname(os.path.dirname(os.path.realpath(it.__file__))) != os.path.realpath("."))' 2>/dev/null
}

install() { # interrupted or failed, it leaves no stamp: the next call starts over
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
    echo "$wanted" > "$stamp"
}

if works; then
    [ "$(cat "$stamp")" = "$wanted" ] && exit 0
    say "Bringing $venv up to date with pyproject.toml and constraints.txt."
    rm -f "$stamp"
    install
    exit 0
fi

python=${PYTHON:-}
if [ -n "$python" ]; then
    is_recent "$python" || { say "Python 3.11 or newer is needed; PYTHON=$python is $(version_of "$python" || echo 'none that starts')."; exit 1; }
else
    for name in python3 python3.13 python3.12 python3.11; do
        if is_recent "$name"; then python=$name; break; fi
    done
    [ -n "$python" ] || { say "Python 3.11 or newer is needed, and none was found on PATH. Name one: make demo PYTHON=/path/to/python3"; exit 1; }
fi

say "Setting up $venv with $("$python" --version): a minute or two, once."
rm -rf "$venv"
if has "$python" ensurepip version && has "$python" venv create; then
    "$python" -m venv "$venv"
elif has "$python" virtualenv __version__; then
    "$python" -m virtualenv --quiet "$venv"
elif has "$python" venv create && has "$python" pip __version__; then # Debian without python3-venv, with python3-pip
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --quiet --disable-pip-version-check --python "$venv/bin/python" install pip
else
    say "$python cannot make virtual environments. On Debian and Ubuntu this helps: apt-get install -y $(basename "$python")-venv"
    exit 1
fi
install
