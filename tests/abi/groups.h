/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The tables of tests/abi, one function a file; each prints its rows as TAP tests. */
#ifndef TESTS_ABI_GROUPS_H
#define TESTS_ABI_GROUPS_H

void test_system(void);
void test_caps(void);
void test_refused(void);
void test_vm(void);
void test_slots(void);
void test_backing(void);
void test_attrs(void);
void test_gmem(void);
void test_gmemtags(void);
void test_gmemflip(void);
void test_query(void);
void test_dirty(void);
void test_ring(void);
void test_fault(void);
void test_perms(void);
void test_huge(void);
void test_walks(void);
void test_flip(void);
void test_tags(void);
void test_lazy(void);
void test_lazy_host(void);
void test_tagcopy(void);
void test_tagbatch(void);
void test_tagkinds(void);
void test_tagdirty(void);
void test_taghost(void);
void test_mmio(void);
void test_run(void);
void test_vcpu(void);
void test_onereg(void);
void test_idregs(void);
void test_debug(void);
void test_calls(void);
void test_life(void);
void test_caches(void);
void test_owners(void);
void test_hosted(void);
void test_counters(void);
void test_firmware(void);
void test_special(void);

#endif
