# make run | test | lint | bench | soak | oracle | screenshots | package | release   (nothing has to be installed first)
SHELL := bash
.NOTPARALLEL:
.DEFAULT_GOAL := run
.PHONY: run test lint bench bench-gpu soak oracle screenshots package release display offscreen window demo

python := .venv/bin/python
installed := .venv/.installed
quiet := QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

run: display $(installed) window demo ## Open the app on its first example.
	@$(python) -m lensgui

test: $(installed) offscreen demo ## The whole suite, without a screen; ARGS="tests/transformer -x" for a part.
	@$(quiet) $(python) -m pytest -q -n 2 --dist worksteal $(ARGS)

lint: $(installed) ## Style, types, import directions, sizes, layout.
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy lensgui tests
	.venv/bin/lint-imports
	$(python) packaging/budget.py
	$(python) packaging/house.py

bench: $(installed) window demo ## Every figure of the guide, here and now; ARGS="--against REF" compares two commits.
	@packaging/setup.sh tool xvfb-run xvfb xauth
	@OMP_WAIT_POLICY=PASSIVE $(python) -m tests.bench $(ARGS)

bench-gpu: ## The library on a GPU, by whatever python3 has torch for it: four minutes, figures in gpu.json.
	@python3 -m tests.bench.gpu $(ARGS)

soak: $(installed) offscreen demo ## What takes too long for the suite, within an hour; ARGS="--share 0.05" for a part.
	@packaging/setup.sh tool chromium chromium
	@$(quiet) $(python) -m pytest -q -n 2 --dist load -m soak tests/soak $(ARGS)
	@for scale in 1 1.5 2; do \
		QT_SCALE_FACTOR=$$scale $(quiet) $(python) -m pytest -q -m soak tests/app/test_clipping.py || exit 1; \
	done

oracle: $(installed) demo ## Every number against TransformerLens and other packages, in environments of their own.
	@$(quiet) $(python) -m tests.oracle $(ARGS)
	@$(quiet) $(python) -m tests.oracle.engine
	@$(quiet) $(python) -m tests.oracle.lenses
	@$(quiet) $(python) -m tests.oracle.steering
	@$(quiet) $(python) -m tests.oracle.circuit_scores

screenshots: $(installed) offscreen demo ## Pictures of the real window, to build/screenshots.
	@$(quiet) $(python) -m tests.screenshots
	@$(quiet) QT_SCALE_FACTOR=2 $(python) -m tests.screenshots build/screenshots/200-percent

package: $(installed) window ## The wheel, and where dpkg is .deb and tar.xz, tried in a bare root, to build/dist.
	@rm -rf build/dist
	@$(python) -m hatchling build -t wheel -d build/dist >/dev/null
ifneq ($(shell command -v dpkg-deb),)
	@packaging/setup.sh tool readelf binutils
	@packaging/setup.sh tool dpkg-shlibdeps dpkg-dev
	@packaging/setup.sh bundle
	@QT_QPA_PLATFORM=offscreen build/package/env/bin/python packaging/linux/package.py build/package build/dist
	@packaging/linux/check.sh build/dist/*.deb
ifeq ($(shell id -u),0)
	@packaging/setup.sh tool mmdebstrap mmdebstrap
	@$(python) packaging/linux/try_in_root.py build/dist
else
	@echo "As root, 'packaging/linux/try_in_root.py build/dist' installs it in a bare Debian and tries it there."
endif
endif

release: package ## What is published: also an sdist, the list of what is inside, and checksums.
ifneq ($(shell command -v dpkg-deb),)
	@packaging/setup.sh contents
	@$(python) packaging/release.py build/dist \
		build/package/contents/bin/cyclonedx-py build/package/env/bin/python build/package/bundle/lensgui
else
	@$(python) packaging/release.py build/dist
endif

package release: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)

# Qt ends the process with a core dump where there is no display: say so before anything slow is done.
display:
	$(if $(DISPLAY)$(WAYLAND_DISPLAY)$(QT_QPA_PLATFORM)$(filter-out Linux,$(shell uname)),@:,$(error \
	There is no display here: use `xvfb-run -a make run` (from the packages xvfb and xauth), or log in to a desktop))

$(installed): pyproject.toml packaging/constraints.txt packaging/setup.sh
	@packaging/setup.sh python
	@touch $@

offscreen window: $(installed)
	@packaging/setup.sh libraries $@

# Without it the app falls back to the built-in toy, and the tests that need it fail by name.
demo: $(installed)
	@$(python) -m lensgui models get smollm2-135m >/dev/null && $(python) -m lensgui models check --once smollm2-135m || true
