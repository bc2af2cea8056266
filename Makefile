# The targets are what CI runs. Everything happens in .venv, made from requirements.lock by uv or by venv + pip.
# STORE (opensearch, or the URL of one) and SEED go to the demo; ARGS to pytest.
PY := .venv/bin/python
SEED ?= 1
# two processes, a file of tests at a time; all that need an OpenSearch in one of them
SHARE := -n 2 --dist loadfile
# the tests start hundreds of processes, each of which would compile everything anew
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest
.PHONY: demo test test-full check format bench dist lock system docs pictures opensearch

demo: .venv/ready  ## the main job with answers, on a file or STORE=opensearch; ends after them where there is no terminal
	@set -- $(CURDIR)/.venv/bin/whodid demo --seed $(SEED); [ -t 1 ] || set -- "$$@" --exit; case "$(STORE)" in \
		"") exec "$$@";; \
		opensearch) cd tests && exec ../$(PY) -m support.opensearch "$$@";; \
		*) exec "$$@" --store "$(STORE)";; esac

test: .venv/ready system  ## everything under ten minutes
	$(PYTEST) -m "not slow" $(SHARE) $(ARGS)

test-full: .venv/ready system  ## the longer suites too
	$(PYTEST) $(SHARE) $(ARGS)

check: .venv/ready  ## style, types, layers, generated files
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	$(PY) docs/generate.py --check

format: .venv/ready
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

docs: .venv/ready  ## write the generated references anew
	$(PY) docs/generate.py

pictures: .venv/ready system  ## take the README's pictures anew
	$(PY) docs/picture.py
	PYTHONPATH=tests $(PY) docs/screenshots.py

opensearch: .venv/ready  ## a node to play with: prints its URL and runs until Ctrl-C
	@cd tests && exec ../$(PY) -m support.opensearch

bench: .venv/ready  ## speed and memory, ratios in one run
	@for file in tests/performance/bench_*.py; do echo "== $$file"; PYTHONPATH=tests $(PY) $$file || exit 1; done

dist: .venv/ready  ## the wheel and the sdist, and the wheel's commands in a clean environment
	sh tests/dist.sh

lock: .venv/ready  ## the pinned packages anew from pyproject.toml; needs uv
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--group dev --all-extras pyproject.toml --custom-compile-command "make lock" -o requirements.lock

.venv/ready: requirements.lock pyproject.toml
	@echo "installing the pinned packages into .venv, once: half a minute" >&2
	@if command -v uv >/dev/null; then \
		{ test -d .venv || uv venv -q --python ">=3.11"; } && uv pip install -q --python $(PY) --require-hashes -r requirements.lock && \
		uv pip install -q --python $(PY) --no-deps --no-build-isolation -e .; \
	else \
		python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "whodid needs Python 3.11 or later; python3 is $$(python3 --version 2>&1)" >&2; exit 1; }; \
		python3 -m venv .venv && $(PY) -m pip install -q --require-hashes -r requirements.lock && \
		$(PY) -m pip install -q --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

system: .venv/ready  ## what tests take from Debian and npm: log rotation, syslog, Chromium, axe; says what is lacking, OpenSearch too
	@command -v logrotate >/dev/null || test -x /usr/sbin/logrotate || $(call debian,logrotate) || \
		echo "logrotate is not here and cannot be installed: the tests with real rotation are skipped"
	@PYTHONPATH=tests $(PY) -m support.syslogs || \
		echo "syslog-ng and rsyslog are not here and cannot be unpacked: forwarding to real ones is not tested"
	@$(PY) tests/support/chromium.py >/dev/null || $(call debian,chromium) || \
		echo "Chromium is not here and cannot be installed: the tests of the pages in a browser are skipped"
	@cd tests/browser && { cmp -s package-lock.json node_modules/.installed || \
		{ command -v npm >/dev/null && npm ci --ignore-scripts --silent && cp package-lock.json node_modules/.installed; }; } || \
		echo "axe is not here and npm cannot install it: the pages are not checked for accessibility"
	@[ -n "$$WHODID_TEST_OPENSEARCH" ] || docker info >/dev/null 2>&1 || (cd tests && ../$(PY) -m support.opensearch.obtain)

# installs a package of Debian's where we may
debian = { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y --no-install-recommends $(1) >/dev/null; }
