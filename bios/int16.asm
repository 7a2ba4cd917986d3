; INT 16: the keyboard as programs see it. IBM PC/AT Technical Reference, section 5;
; Ralf Brown's INT 16.

int16:
	INT_ENTER
	movzx	bx, ah
	cmp	bl, (int16_table.end - int16_table) / 2
	jae	.none
	shl	bx, 1
	call	[cs:int16_table + bx]
.none:
	INT_LEAVE

int16_table:
	dw	int16_read, int16_peek, int16_shifts, int16_typematic
	dw	int16_none, int16_store, int16_none, int16_none
	dw	int16_none, int16_abilities, int16_id, int16_none
	dw	int16_none, int16_none, int16_none, int16_none
	dw	int16_read_ext, int16_peek_ext, int16_shifts_ext
.end:

int16_none:
	ret

; AH=00: waits for a key, takes it. AX = word as an 84-key keyboard would give it.
int16_read:
	call	kbd_wait
	call	kbd_take
	call	kbd_translate
	jc	int16_read		; no such key there
	mov	[bp + F_AX], ax
	ret

; AH=10: the same with all words.
int16_read_ext:
	call	kbd_wait
	call	kbd_take
	call	kbd_translate_ext
	mov	[bp + F_AX], ax
	ret

; AH=01: ZF set when there is no key, else AX = the next one, which stays.
int16_peek:
	call	kbd_front
	jz	int16_no_key
	call	kbd_translate
	jnc	int16_key
	call	kbd_take		; a key the caller cannot know is dropped
	jmp	int16_peek

; AH=11: the same with all words.
int16_peek_ext:
	call	kbd_front
	jz	int16_no_key
	call	kbd_translate_ext
int16_key:
	mov	[bp + F_AX], ax
	and	byte [bp + F_FLAGS], ~FLAG_Z & 0xff
	ret
int16_no_key:
	or	byte [bp + F_FLAGS], FLAG_Z
	or	byte [bp + F_FLAGS + 1], 0x02	; a caller polling with IF clear would never see one
	ret

; AH=02: AL = shift states.
int16_shifts:
	mov	al, [BDA_SHIFT]
	mov	[bp + F_AL], al
	ret

; AH=12: AH = SysReq, locks held, right and left Alt and Ctrl.
int16_shifts_ext:
	mov	al, [BDA_SHIFT]
	mov	ah, [BDA_SHIFT2]
	mov	bl, ah
	and	ah, KBD2_SCROLL | KBD2_NUM | KBD2_CAPS | KBD2_CTRL_LEFT | KBD2_ALT_LEFT
	test	bl, KBD2_SYSREQ
	jz	.no_sysreq
	or	ah, 0x80
.no_sysreq:
	mov	bl, [BDA_KBD_FLAGS3]
	and	bl, KBD3_CTRL_RIGHT | KBD3_ALT_RIGHT
	or	ah, bl
	mov	[bp + F_AX], ax
	ret

; AH=03: typematic rate. AL=05: BH delay 0-3, BL rate 0-31.
int16_typematic:
	cmp	al, 5
	jne	.done
	mov	ax, [bp + F_BX]
	and	ax, 0x031f
	shl	ah, 5
	or	al, ah
	push	ax
	mov	al, 0xad		; no key between the two bytes
	call	kbc_command
	mov	al, 0xf3
	call	kbc_write
	call	kbc_read
	pop	ax
	call	kbc_write
	call	kbc_read
	mov	al, 0xae
	call	kbc_command
.done:
	ret

; AH=05: the word CX as if it had been typed. AL = 1 when the buffer is full.
int16_store:
	mov	ax, [bp + F_CX]
	call	kbd_put
	setc	al
	mov	[bp + F_AL], al
	ret

; AH=09: which functions there are: 10-12, 0A, 03 AL=05.
int16_abilities:
	mov	byte [bp + F_AL], 0x34
	ret

; AH=0A: BX = the identity of the keyboard.
int16_id:
	mov	word [bp + F_BX], 0x41ab
	ret

; Sleeps until the buffer holds a key.
kbd_wait:
	cli
	call	kbd_front
	jnz	.have
	mov	ax, 0x9002		; tell a multitasker that we wait for the keyboard
	int	0x15
	cli
	call	kbd_front
	jnz	.have
	sti
	hlt
	jmp	kbd_wait
.have:
	ret

; AX = the next key word; ZF set when there is none.
kbd_front:
	mov	bx, [BDA_KBD_HEAD]
	mov	ax, [bx]
	cmp	bx, [BDA_KBD_TAIL]
	ret

; AX = the next key word, taken out.
kbd_take:
	mov	bx, [BDA_KBD_HEAD]
	mov	ax, [bx]
	add	bx, 2
	cmp	bx, [BDA_KBD_END]
	jb	.inside
	mov	bx, [BDA_KBD_START]
.inside:
	mov	[BDA_KBD_HEAD], bx
	ret

; The word AX for a program that knows the 84-key keyboard; CF set when that cannot say it.
kbd_translate:
	cmp	ah, 0xe0		; keypad Enter and /
	jne	.not_keypad
	mov	ah, 0x1c
	cmp	al, 0x2f
	jne	.known
	mov	ah, 0x35
	jmp	.known
.not_keypad:
	cmp	al, 0xf0
	je	.hidden
	cmp	al, 0xe0
	jne	.by_scan
	test	ah, ah			; E0 without a scan code was typed by its number
	jz	.known
	mov	al, 0			; grey keys are as those of the keypad
	jmp	.known
.by_scan:
	test	al, al
	jnz	.known
	cmp	ah, 0x84		; F11, Alt with grey keys and the like
	ja	.unknown
.known:
	clc
	ret
.hidden:
	test	ah, ah
	jz	.known
.unknown:
	stc
	ret

; The word AX for a program that knows the 101-key keyboard.
kbd_translate_ext:
	cmp	al, 0xf0
	jne	.done
	test	ah, ah
	jz	.done
	mov	al, 0
.done:
	ret
