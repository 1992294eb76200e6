# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Fuzzers: $(B)/fuzz/ROOM for each model, $(B)/fuzz/tags for the tag codec, by clang, whole from
# its sources.

fuzzers := $(B)/fuzz/s2 $(B)/fuzz/vm
fuzz: $(fuzzers) $(B)/fuzz/tags
# Not a file that is missing: .SECONDARY lets those pass for up to date.
.PHONY: fuzz FORCE

# Files with tags: the fuzzer has a crc32() of its own.
fuzz: $(B)/fuzz/tags_file
$(B)/fuzz/tags_file: FORCE
	@mkdir -p $(@D)
	clang-19 $(filter-out -MMD -MP,$(CPPFLAGS)) -D_GNU_SOURCE -Ivmm/lib -Ivmm/cmd -Icore -Iemu \
		-std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ tests/fuzz/tags_file.c vmm/cmd/tags_file.c vmm/lib/why.c $(tag-objs:.o=.c)

fuzz-srcs = tests/fuzz/fuzz.c $(filter-out tests/model/main.c,$(model-srcs)) \
	$(model-$(*F)-srcs) $(core-objs:.o=.c) $(emu-srcs)
$(B)/fuzz/tags: fuzz-srcs = tests/fuzz/tags.c $(tag-objs:.o=.c)
$(fuzzers) $(B)/fuzz/tags: $(B)/fuzz/%: FORCE
	@mkdir -p $(@D)
	clang-19 $(filter-out -MMD -MP,$(CPPFLAGS)) $(core-cpp) -Itests/model -std=gnu11 -O1 -g \
		-pthread -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ $(fuzz-srcs)
FORCE:
