# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The tag codec's tests. It is built as user space has it, with the vectors of the machine, and
# as a kernel would, without: PLAIN. The same tests have to pass, here and on the emulated host.

tag-plain := -mgeneral-regs-only -ffreestanding

$(B)/native/tests/unit/tag_%.o: CPPFLAGS += $(tag-cpp)
$(B)/arm64/tests/host/tag_codec.o: CPPFLAGS += $(tag-cpp) -Itests/unit

$(B)/native/%.plain.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(tag-cpp) $(CFLAGS) $(tag-plain) $(sanitize) -c -o $@ $<

$(B)/arm64/%.plain.o: %.c
	@mkdir -p $(@D)
	$(XCC) $(CPPFLAGS) $(tag-cpp) $(CFLAGS) $(tag-plain) -c -o $@ $<

tag-tests := $(B)/unit/tag_codec $(B)/unit/tag_codec_plain $(B)/unit/tag_batch
unit-tests += $(tag-tests)
$(tag-tests): LDLIBS += -lcmocka
$(B)/unit/tag_codec $(B)/unit/tag_codec_plain: $(B)/native/tests/unit/tag_codec.o
$(B)/unit/tag_batch: $(B)/native/tests/unit/tag_batch.o
$(B)/unit/tag_codec $(B)/unit/tag_batch: $(tag-objs:%=$(B)/native/%)
$(B)/unit/tag_codec_plain: $(tag-objs:%.o=$(B)/native/%.plain.o)

tag-programs := $(B)/bin/test-tag-codec $(B)/bin/test-tag-codec-plain
host-programs += $(tag-programs)
$(tag-programs): $(B)/arm64/tests/host/tag_codec.o
$(B)/bin/test-tag-codec: $(tag-objs:%=$(B)/arm64/%)
$(B)/bin/test-tag-codec-plain: $(tag-objs:%.o=$(B)/arm64/%.plain.o)
