/* The PC/AT's real-time clock with its 128 bytes of battery-backed memory ("CMOS"). */
#ifndef DEVICES_MC146818_H
#define DEVICES_MC146818_H

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"

struct mc146818_state {
	ns_t next_update;   /* when the second in progress ends; meaningful while the divider runs */
	ns_t pf_since;      /* periodic edges after this time set PF */
	uint8_t index;      /* port 70h bits 6:0 */
	uint8_t nmi_masked; /* port 70h bit 7 */
	uint8_t reserved[6];
	uint8_t ram[128];   /* 0..9 time and alarm as the guest formats them, 10..13 registers A..D */
};

struct mc146818 {
	struct device dev;
	struct clock *clock;
	struct irq_line irq;
	struct event event;
	int64_t epoch;       /* seconds since 1970 at guest time 0 */
	uint8_t factory[128]; /* what reset puts into ram, time and registers apart */
	struct mc146818_state s;
};

enum { MC146818_WIN }; /* port 70h */
extern const struct device_class mc146818_class;

/* `epoch`: UTC seconds since 1970 at guest time 0; the clock shows them as UTC. */
void mc146818_init(struct mc146818 *r, struct clock *clock, struct irq_line irq, int64_t epoch);

/*
 * The RESET pin, for a reset of the machine that keeps the battery: interrupts off, nothing else
 * (class->reset is the battery being put in).
 */
void mc146818_reset_pin(struct mc146818 *r);

/* Sets a byte of memory, 14..127, now and for every reset to come. */
void mc146818_set_cmos(struct mc146818 *r, uint8_t index, uint8_t val);

/*
 * What a BIOS finds in the CMOS memory, by the usual layout (Ralf Brown's CMOS.LST):
 * 15h..18h, 30h, 31h memory in KiB; 34h, 35h memory above 16 MiB in 64 KiB;
 * 10h and 14h floppy drive types (0 none, 2: 1.2M, 4: 1.44M, 5: 2.88M) and equipment;
 * 38h, 3Dh boot order in nibbles (1 floppy, 2 disk, 3 CD), first in 3Dh bits 3:0;
 * 12h, 19h.. type 47 and geometry of the two disks of the first channel; 2Eh, 2Fh checksum.
 */
void mc146818_set_memory(struct mc146818 *r, uint64_t ram_bytes);
void mc146818_set_floppies(struct mc146818 *r, uint8_t type_a, uint8_t type_b);
void mc146818_set_boot_order(struct mc146818 *r, uint8_t first, uint8_t second, uint8_t third);
void mc146818_set_disk(struct mc146818 *r, unsigned drive, uint16_t cylinders, uint8_t heads,
		       uint8_t sectors);
void mc146818_set_checksum(struct mc146818 *r);

#endif
