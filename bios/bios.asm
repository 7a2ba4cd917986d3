; The system BIOS of Umbra86: 64 KiB at F0000 and again below 4 GiB. This file is the map
; of the image: the services are included in the free space below F000:E05B, and the entry
; points whose addresses programs came to rely on stand at their IBM PC/AT addresses above.
; IBM PC/AT Technical Reference (1985), section 5 and the "compatibility" list of vectors.
;
; Everything here runs in 16-bit real mode or V86 mode with CS = F000, except the APM and
; EDD parts that say otherwise. No segment register is assumed on entry to a service.
;
; NOT IMPLEMENTED: PCI (INT 1A AH=B1 says absent), ACPI, PnP and SMBIOS tables, cassette,
; parallel printers (INT 17 answers that there is none), set-up program.

	cpu	386
	org	0
	bits	16

%include "defs.inc"

section .text start=0 vstart=0

%include "console.asm"
%include "post.asm"
%include "post_devices.asm"
%include "post_drives.asm"
%include "irq.asm"
%include "int09.asm"
%include "int13.asm"
%include "int13_floppy.asm"
%include "fdc.asm"
%include "int13_disk.asm"
%include "int13_edd.asm"
%include "ata.asm"
%include "eltorito.asm"
%include "int14.asm"
%include "int15.asm"
%include "int15_memory.asm"
%include "int15_mouse.asm"
%include "int15_apm.asm"
%include "int16.asm"
%include "int19.asm"
%include "int1a.asm"

; ---- compatibility entry points -----------------------------------------------------------

FIXED			equ	0xe05b
section .fixed start=FIXED vstart=FIXED

%macro AT 1
	times	(%1) - FIXED - ($ - $$) db 0
%endmacro

	AT	0xe05b
	jmp	post

	AT	0xe2c3
	jmp	nmi

	AT	0xe3fe
	jmp	int13

	AT	0xe401			; INT 41 of a machine without a disk: an empty table
	times	16 db 0

	AT	0xe6f2
	jmp	int19

	AT	0xe6f5			; INT 15 AH=C0
config_table:
	dw	8			; bytes that follow
	db	0xfc, 0x01, 0x00	; model PC/AT, submodel, revision
	; second 8259, RTC, INT 09 calls INT 15/4F, no wait for external event, EBDA, no MCA
	db	0x74
	db	0x40			; INT 16 AH=09 works
	db	0, 0, 0

	AT	0xe739
	jmp	int14

	AT	0xe82e
	jmp	int16

	AT	0xe987
	jmp	int09

	AT	0xec59
	jmp	int40

	AT	0xef57
	jmp	irq6

	AT	0xefc7			; INT 1E: 1.44M, the parameters of all drives
diskette_table:
	db	0xaf			; step rate 6 ms (A), head unload 240 ms (F)
	db	0x02			; head load 4 ms, DMA
	db	37			; ticks until the motor stops
	db	2			; 512 bytes a sector
	db	18			; sectors a track
	db	0x1b			; gap
	db	0xff			; data length
	db	0x6c			; gap when formatting
	db	0xf6			; fill byte
	db	15			; head settle, ms
	db	8			; motor start, 1/8 s

	AT	0xefd2
	jmp	int17

	AT	0xf045			; the INT 10 function table of the PC; nobody calls it
	iret

	AT	0xf065			; INT 10 until the video BIOS takes it
	iret

	AT	0xf0a4			; INT 1D: 6845 registers of 40x25, 80x25, graphics, mono
	db	0x38, 0x28, 0x2d, 0x0a, 0x1f, 0x06, 0x19, 0x1c, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
	db	0x71, 0x50, 0x5a, 0x0a, 0x1f, 0x06, 0x19, 0x1c, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
	db	0x38, 0x28, 0x2d, 0x0a, 0x7f, 0x06, 0x64, 0x70, 0x02, 0x01, 0x06, 0x07, 0, 0, 0, 0
	db	0x61, 0x50, 0x52, 0x0f, 0x19, 0x06, 0x19, 0x19, 0x02, 0x0d, 0x0b, 0x0c, 0, 0, 0, 0
	dw	0x0800, 0x1000, 0x4000, 0x4000	; bytes of a page
	db	40, 40, 80, 80, 40, 40, 80, 80	; columns of modes 0-7
	db	0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29	; their mode registers

	AT	0xf841
	jmp	int12

	AT	0xf84d
	jmp	int11

	AT	0xf859
	jmp	int15

	AT	0xfa6e			; INT 1F counts from here: glyphs 0-127, 8 by 8
font_8x8_low:
	incbin	FONT_FILE, 256 * 16 + 256 * 14, 128 * 8

	AT	0xfe6e
	jmp	int1a

	AT	0xfea5
	jmp	irq0

	AT	0xff53
dummy_iret:
	iret

	AT	0xff54
	jmp	int05

	AT	0xfff0			; the first instruction after reset
	jmp	0xf000:FIXED

	AT	0xfff5
	db	"11/23/26"
	db	0
	db	0xfc			; model: PC/AT
	db	0			; set by tools/embed.py so that all bytes sum to zero
