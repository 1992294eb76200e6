# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What runs in user space and in guests: native unit tests, static arm64
# programs for the emulated host, bare-metal guest images. Run it inside the
# Debian root, as ./dev build does; tessera.ko is built by Kbuild.
#
# Each room's fragment appends its products to one of four lists and names
# what they are linked from; the recipes are here.
#	unit-tests	$(B)/unit/NAME, native, with sanitizers
#	full-tests	$(B)/full/NAME, native, without them: what takes long
#	host-programs	$(B)/bin/NAME, static arm64; /bin on the emulated host
#	guests		$(B)/guest/NAME; /guest on the emulated host
# Objects: $(B)/native/PATH.o and $(B)/arm64/PATH.o from PATH.c or PATH.S. A
# fragment gives its objects or programs more options with pattern-specific
# variables: CPPFLAGS, CFLAGS, LDFLAGS, LDLIBS.

B := $(or $(TSR_BUILD),$(CURDIR)/build)
CROSS ?= aarch64-linux-gnu-
CC := gcc-14
XCC := $(CROSS)gcc-14
XAR := $(CROSS)ar
XLD := $(CROSS)ld
XOBJCOPY := $(CROSS)objcopy

# The kernel builds core with much the same: a warning on one
# one side should not be news on the other.
CPPFLAGS := -Iinclude -MMD -MP
CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla \
	-Wno-unused-parameter -fno-common -fno-strict-aliasing
LDFLAGS :=
LDLIBS :=
sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

unit-tests :=
full-tests :=
host-programs :=
guests :=

# The first target is the default; the lists are complete only below.
all:

-include core/sources.mk
include $(sort $(wildcard */rules.mk tests/*/rules.mk))

all: unit arm64
unit: $(unit-tests)
full: $(full-tests)
arm64: $(host-programs) $(guests)

# Scripts ask for the lists, so that a stale product is never taken along.
list-unit-tests list-full-tests list-host-programs list-guests:
	@printf '%s\n' $($(@:list-%=%))

$(B)/native/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(sanitize) -c -o $@ $<

$(B)/arm64/%.o: %.c
	@mkdir -p $(@D)
	$(XCC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/arm64/%.o: %.S
	@mkdir -p $(@D)
	$(XCC) $(CPPFLAGS) -c -o $@ $<

$(B)/unit/%:
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(sanitize) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(B)/plain/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/full/%:
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(B)/bin/%:
	@mkdir -p $(@D)
	$(XCC) -static $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

-include $(shell find $(B)/native $(B)/plain $(B)/arm64 -name '*.d' 2>/dev/null)

.PHONY: all unit full arm64 list-unit-tests list-full-tests list-host-programs list-guests
.DELETE_ON_ERROR:
.SECONDARY:
