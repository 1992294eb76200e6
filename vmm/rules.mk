# SPDX-License-Identifier: GPL-2.0-only OR MIT
# libtessera, the tessera command, and their tests.

vmm-pure := $(addprefix vmm/lib/,why.c layout.c pages.c promoted.c ram.c \
	access.c fault.c gate.c private.c promote.c lazy.c watch.c protect.c image.c)
vmm-lib := $(vmm-pure) $(addprefix vmm/lib/,vm.c vcpu.c survey.c tags.c)
vmm-cmd-pure := $(addprefix vmm/cmd/,options.c help.c pl011.c control.c timeline.c \
	look.c memories.c picture_text.c picture_svg.c snapshot_read.c snapshot_text.c channel.c pause.c \
	tags_file.c)
vmm-cmd := $(vmm-cmd-pure) $(addprefix vmm/cmd/,main.c run.c machine.c policies.c privacy.c \
	stats.c caps.c asking.c client.c service.c snapshot_write.c picture.c progress.c tags.c \
	tags_dump.c tags_restore.c)

$(B)/native/vmm/%.o $(B)/tsan/vmm/%.o $(B)/arm64/vmm/%.o: CPPFLAGS += -D_GNU_SOURCE -Ivmm/lib
$(B)/native/vmm/%.o $(B)/arm64/vmm/%.o: CFLAGS += -pthread
# What tags are written as in files is core's: core/tag.
$(B)/native/vmm/cmd/%.o $(B)/arm64/vmm/cmd/%.o: CPPFLAGS += -Icore

# What tessera caps says of memory is generated from the table that the tests run.
memories-objs := $(B)/native/vmm/cmd/memories.o $(B)/arm64/vmm/cmd/memories.o
$(memories-objs): CPPFLAGS += -I$(B)/generated
$(memories-objs): $(B)/generated/matrix_rows.h

host-programs += $(B)/bin/tessera

$(B)/arm64/vmm/libtessera.a: $(vmm-lib:%.c=$(B)/arm64/%.o)
	@rm -f $@
	$(XAR) rcs $@ $^

$(B)/bin/tessera: LDFLAGS += -pthread
$(B)/bin/tessera: LDLIBS += -lz
$(B)/bin/tessera: $(vmm-cmd:%.c=$(B)/arm64/%.o) $(B)/arm64/vmm/libtessera.a \
	$(tag-objs:%=$(B)/arm64/%)

vmm-unit := vmm_layout vmm_image vmm_fault vmm_options vmm_devices vmm_ram \
	vmm_promote vmm_policies vmm_lazy vmm_picture vmm_memories vmm_tags \
	vmm_channel vmm_service vmm_private
unit-tests += $(vmm-unit:%=$(B)/unit/%)

$(vmm-unit:%=$(B)/native/tests/unit/%.o): CPPFLAGS += -D_GNU_SOURCE -Ivmm/lib \
	-Ivmm/cmd
$(vmm-unit:%=$(B)/unit/%): LDFLAGS += -pthread
$(vmm-unit:%=$(B)/unit/%): LDLIBS += -lcmocka -lz
$(vmm-unit:%=$(B)/unit/%): $(B)/unit/%: $(B)/native/tests/unit/%.o \
	$(patsubst %.c,$(B)/native/%.o,$(vmm-pure) $(vmm-cmd-pure)) \
	$(tag-objs:%=$(B)/native/%)

$(B)/unit/vmm_service: $(patsubst %,$(B)/native/vmm/cmd/%.o,service client snapshot_write \
	tags tags_dump tags_restore picture progress)

# What these allocate can be made to fail (tests/unit/alloc_fail.h).
$(foreach test,vmm_policies vmm_policies_tsan vmm_picture,$(B)/unit/$(test)): \
	LDFLAGS += -Wl,--wrap=malloc,--wrap=realloc,--wrap=mmap

# Once more with ThreadSanitizer, whose objects emu/rules.mk knows how to make.
vmm-tsan := $(addprefix $(B)/unit/,vmm_promote_tsan vmm_policies_tsan vmm_lazy_tsan \
	vmm_private_tsan)
unit-tests += $(vmm-tsan)

$(B)/tsan/tests/unit/vmm_%.o: CPPFLAGS += -D_GNU_SOURCE -Ivmm/lib
$(B)/unit/vmm_%_tsan: sanitize := -fsanitize=thread
$(B)/unit/vmm_%_tsan: LDLIBS += -lcmocka
$(vmm-tsan): $(B)/unit/%_tsan: \
	$(B)/tsan/tests/unit/%.o $(vmm-pure:%.c=$(B)/tsan/%.o)

# On-host tests: programs for tests/host/*.sh.
host-programs += $(B)/bin/test-promote

$(B)/arm64/tests/host/promote.o: CPPFLAGS += -D_GNU_SOURCE -Ivmm/lib
$(B)/bin/test-promote: LDFLAGS += -pthread
$(B)/bin/test-promote: $(addprefix $(B)/arm64/tests/host/,promote.o \
	promote_guest.o) $(B)/arm64/vmm/libtessera.a

host-programs += $(B)/bin/test-moving

$(B)/arm64/tests/host/moving.o: CPPFLAGS += -D_GNU_SOURCE -Ivmm/lib
$(B)/bin/test-moving: LDFLAGS += -pthread
$(B)/bin/test-moving: $(addprefix $(B)/arm64/tests/host/,moving.o \
	moving_guest.o) $(B)/arm64/vmm/libtessera.a

host-programs += $(B)/bin/test-ways

$(B)/arm64/tests/host/ways.o: CPPFLAGS += -D_GNU_SOURCE
$(B)/bin/test-ways: $(B)/arm64/tests/host/ways.o

host-programs += $(B)/bin/test-stores

$(B)/arm64/tests/host/stores.o: CPPFLAGS += -D_GNU_SOURCE
$(B)/bin/test-stores: $(B)/arm64/tests/host/stores.o
