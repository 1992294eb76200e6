/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tags in the model of core/vm: what each page of the VMM has, in a flat map, beside what
 * the emulated memory has (emu/tags.h) and what core says that it knows.
 *
 * No tags of an earlier owner are ever open to a guest, none of its own are lost, none are
 * cleared twice; a page whose tags nobody has used is not cleared, but with enough others.
 */
#ifndef MODEL_TAGGED_H
#define MODEL_TAGGED_H

#include "rules.h"

/* Every page begins without. */
void tags_begin(struct vm *vm);

/* A guest wants the tags of page @index, of whatever comes of it. */
void tags_wanted(u32 index);
/* A guest's tag access to page @index has passed, which stores @value if @write. */
void tags_accessed(u32 index, bool write, u8 value);
/* The VMM stores a tag in page @index, if its memory holds any. */
void tags_by_vmm(u32 index, u8 value);
/*
 * The host gives the VMM's pages of @vma other memory than at @old; the contents move along,
 * or (@fresh) do not. Its notifier's bracket is open.
 */
void tags_moved(const struct emu_vma *vma, struct hpa old, bool fresh);

/* The page that @page is, mapped as @seen. */
void tags_check(u32 index, const struct page *page, const struct look *seen);

#endif
