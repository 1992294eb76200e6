/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "pl011.h"

/* Offsets and flags: DDI 0183, 3.3.1 and 3.3.3. */
#define UARTDR	    0x00
#define UARTFR	    0x18
#define UARTFR_RXFE (1U << 4)
#define UARTFR_TXFE (1U << 7)

void pl011_init(struct pl011 *uart, int output, int input)
{
	memset(uart, 0, sizeof(*uart));
	pthread_mutex_init(&uart->lock, NULL);
	uart->output = output;
	uart->input = input;
}

/* A reader that went away (EPIPE) must not stop the guest: the text is dropped. */
static void line_write(struct pl011 *uart)
{
	size_t done = 0;

	while (done < uart->used) {
		ssize_t piece = write(uart->output, uart->line + done, uart->used - done);

		if (piece < 0 && errno == EINTR)
			continue;
		if (piece <= 0)
			break;
		done += (size_t)piece;
	}
	uart->used = 0;
}

void pl011_flush(struct pl011 *uart)
{
	pthread_mutex_lock(&uart->lock);
	line_write(uart);
	pthread_mutex_unlock(&uart->lock);
}

static void send(struct pl011 *uart, char letter)
{
	uart->line[uart->used++] = letter;
	if (letter == '\n' || uart->used == sizeof(uart->line))
		line_write(uart);
}

static void receive(struct pl011 *uart)
{
	struct pollfd poll_input = { .fd = uart->input, .events = POLLIN };

	if (uart->holds_received || uart->input < 0)
		return;
	/* A guest that waits for input wants its prompt to be seen. */
	line_write(uart);
	if (poll(&poll_input, 1, 0) != 1)
		return;
	if (read(uart->input, &uart->received, 1) == 1)
		uart->holds_received = true;
	else
		uart->input = -1;
}

static uint64_t register_read(struct pl011 *uart, uint64_t offset)
{
	switch (offset) {
	case UARTDR:
		receive(uart);
		if (!uart->holds_received)
			return 0;
		uart->holds_received = false;
		return uart->received;
	case UARTFR:
		receive(uart);
		return UARTFR_TXFE | (uart->holds_received ? 0 : UARTFR_RXFE);
	default:
		return 0;
	}
}

void pl011_access(struct pl011 *uart, struct tsr_mmio *mmio)
{
	uint64_t offset = mmio->gpa - PL011_GPA;

	pthread_mutex_lock(&uart->lock);
	if (!mmio->write)
		mmio->value = register_read(uart, offset);
	else if (offset == UARTDR)
		send(uart, (char)mmio->value);
	pthread_mutex_unlock(&uart->lock);
}
