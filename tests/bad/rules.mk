# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Known-bad variants of core: unit/bad_NAME for each line of tests/bad/list, and
# unit/drive, which is the same program over core as it is. One file of core differs:
# linked before the archive of all of core, it is taken in place of the archive's.

bad-names := $(shell awk -F '\t+' '!/^\#/ && NF { print $$1 }' tests/bad/list)
bad-drive := $(addprefix $(B)/native/tests/bad/,drive.o drive_s2.o drive_vm.o drive_tags.o \
	drive_lock.o) \
	$(B)/native/tests/unit/world.o $(emu-srcs:%.c=$(B)/native/%.o)
bad-programs := $(bad-names:%=$(B)/unit/bad_%)

unit-tests += $(B)/unit/drive $(bad-programs)

$(B)/native/tests/bad/%.o $(B)/bad/%.o: CPPFLAGS += $(core-cpp) -Itests/unit -Itests/bad
$(B)/unit/drive $(bad-programs): LDLIBS += -lcmocka

$(B)/bad/core.a: $(core-objs:%=$(B)/native/%)
	@mkdir -p $(@D)
	rm -f $@ && gcc-ar-14 rcs $@ $^

$(bad-names:%=$(B)/bad/%.c): $(B)/bad/%.c: tests/bad/edit.sh tests/bad/list $(wildcard core/*.c core/*/*.c)
	@mkdir -p $(@D)
	tests/bad/edit.sh $* >$@

$(bad-names:%=$(B)/bad/%.o): $(B)/bad/%.o: $(B)/bad/%.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -w $(sanitize) -c -o $@ $<

$(B)/unit/drive: $(B)/native/tests/bad/good.o $(bad-drive) $(B)/bad/core.a
$(bad-programs): $(B)/unit/bad_%: $(B)/bad/%.o $(bad-drive) $(B)/bad/core.a

-include $(shell find $(B)/bad -name '*.d' 2>/dev/null)
