#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# 100,000 pages of 1 GiB, promoted one by one: more mappings than a process may
# have, were they not merged.
# machines: max neoverse-n2
# only: full
# options: --mem 4G
# timeout: 1500
exec test-promote "$TSR_DISK" scatter
