/*
 * party.h - parties: whoever the group deals with, in one record with one code.
 *
 * Other modules refer to party by id and read party_fact; in SQL they call
 * party_address_text() for the address that a document keeps and exposure_add() for what
 * a customer owes.
 */
#ifndef TENON_PARTY_H
#define TENON_PARTY_H

#include "core/entity/module.h"

extern const struct module party_module;

#endif
