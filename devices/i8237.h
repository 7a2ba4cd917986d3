/* The PC/AT's two 8237A DMA controllers and their page registers. */
#ifndef DEVICES_I8237_H
#define DEVICES_I8237_H

#include "base/device.h"
#include "base/dma.h"

struct i8237_channel {
	uint16_t base_address, base_count;
	uint16_t address, count; /* current; bytes on the first chip, words on the second */
	uint8_t mode;            /* as written, bits 7:2 */
	uint8_t reserved;
};

struct i8237_chip {
	struct i8237_channel ch[4];
	uint8_t command;
	uint8_t tc;       /* status bits 3:0: terminal count since the last read */
	uint8_t request;  /* software requests */
	uint8_t mask;
	uint8_t high;     /* the byte pointer flip-flop: the next is the high byte */
	uint8_t temporary;
	uint8_t reserved[2];
};

struct i8237_state {
	struct i8237_chip chip[2]; /* channels 0..3, channels 4..7 */
	uint8_t page[16];          /* ports 80h..8Fh; 80h itself belongs to the POST card */
};

struct i8237 {
	struct device dev;
	struct physmem memory;
	struct i8237_state s;
};

enum { I8237_WIN_LOW, I8237_WIN_HIGH, I8237_WIN_PAGES }; /* ports 00h, C0h, 81h */
extern const struct device_class i8237_class;

void i8237_init(struct i8237 *c, struct physmem memory);

/* The DREQ/DACK pair of channel n, 0..7, for a peripheral. */
struct dma_channel i8237_dma(struct i8237 *c, unsigned n);

#endif
