/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* `tessera caps`: what a hypervisor offers, as a table. */
#ifndef CMD_CAPS_H
#define CMD_CAPS_H

/* @device: /dev/kvm or its like. Returns the exit status. */
int caps_command(const char *device);

#endif
