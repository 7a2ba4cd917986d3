/* A host for the floppy tests: the controller at 3F0, a DMA channel, a watched IRQ, diskettes with a known image. */
#ifndef TESTS_DEVICES_FDC_HOST_H
#define TESTS_DEVICES_FDC_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bus.h"
#include "devices/fdc82077.h"

enum { DOR = 0x3f2, TDR, MSR, FIFO, DIR = 0x3f7, CCR = 0x3f7, DSR = 0x3f4 };
enum { RQM = 0x80, DIO = 0x40, NDM = 0x20, CB = 0x10 };

/* A host with one DMA channel over `memory`, and the IRQ line watched. */
struct host {
	struct clock clock;
	struct bus *bus;
	struct fdc fdc;
	bool irq;
	unsigned edges;
	uint8_t memory[65536];
	uint32_t at, left; /* as the channel is programmed */
	bool to_memory, masked;
};

enum { IMAGE_BYTES = 2880 * 1024 };
extern uint8_t image[IMAGE_BYTES];

void fill_image(void);
/* A sector of a 1.44 MB diskette. */
const uint8_t *at_chs(unsigned c, unsigned h, unsigned r);

/* Powered on, out of reset with its interrupts taken, 500 kbit/s, DMA mode. */
struct block *start(struct host *h, size_t kib);
void done(struct host *h, struct block *b);

uint8_t in(struct host *h, uint16_t port);
void out(struct host *h, uint16_t port, uint8_t val);
void program_dma(struct host *h, bool to_memory, uint32_t len);
/* Lets guest time pass; false: there is none after 20 ms. */
bool wait_irq(struct host *h);

void command(struct host *h, const char *bytes, size_t len);
void results(struct host *h, uint8_t *buf, size_t len);
void expect_results(struct host *h, const char *want, size_t len);
#define COMMAND(h, bytes) command(h, bytes, sizeof(bytes) - 1)
#define EXPECT(h, bytes) expect_results(h, bytes, sizeof(bytes) - 1)

/* SEEK, and SENSE INTERRUPT STATUS. */
void seek_to(struct host *h, uint8_t cylinder);

#endif
