# SPDX-License-Identifier: GPL-2.0-only OR MIT
# core over the emulated machine, and the unit tests of both. Each test is built
# twice where threads matter: NAME with AddressSanitizer, NAME_tsan with
# ThreadSanitizer.

emu-srcs := emu/phys.c emu/log.c emu/seam.c emu/lock.c emu/scheduler.c emu/backing.c emu/gmem.c emu/mmu.c \
	emu/cache.c emu/ghost.c emu/tags.c emu/tlb.c emu/tlb_store.c emu/tlb_view.c
core-units := types slot attr memtype fault s2_desc s2_geom s2 s2_block s2_order s2_size_order \
	emu_mmu emu_mmu_hw emu_cache emu_sched emu_tlb vm vm_attr vm_caches vm_lazy vm_slot vm_race \
	vm_query vm_types vm_gmem gmem_race fail dirty
thread-units := brlock_threads vm_threads gmem_threads attr_threads s2_threads dirty_threads

core-native := $(core-objs:%=$(B)/native/%) $(emu-srcs:%.c=$(B)/native/%.o)
core-tsan := $(core-objs:%=$(B)/tsan/%) $(emu-srcs:%.c=$(B)/tsan/%.o) \
	$(B)/tsan/tests/unit/world.o $(B)/tsan/tests/unit/tables.o

core-cpp := -Icore -Iemu
unit-srcs := world tables $(core-units) $(thread-units)
$(B)/native/core/%.o $(B)/native/emu/%.o: CPPFLAGS += $(core-cpp)
$(unit-srcs:%=$(B)/native/tests/unit/%.o): CPPFLAGS += $(core-cpp)
$(B)/native/emu/%.o: CFLAGS += -pthread

$(B)/tsan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(core-cpp) $(CFLAGS) -pthread -fsanitize=thread -c -o $@ $<

core-tests := $(core-units:%=$(B)/unit/%)
thread-tests := $(thread-units:%=$(B)/unit/%) $(thread-units:%=$(B)/unit/%_tsan)
unit-tests += $(core-tests) $(thread-tests)

$(core-tests) $(thread-tests): LDLIBS += -lcmocka
$(core-tests) $(thread-units:%=$(B)/unit/%): $(B)/unit/%: $(B)/native/tests/unit/%.o \
		$(B)/native/tests/unit/world.o $(B)/native/tests/unit/tables.o $(core-native)
$(thread-units:%=$(B)/unit/%_tsan): sanitize := -fsanitize=thread
$(thread-units:%=$(B)/unit/%_tsan): $(B)/unit/%_tsan: $(B)/tsan/tests/unit/%.o $(core-tsan)

-include $(shell find $(B)/tsan -name '*.d' 2>/dev/null)
