/*
 * sandbox_library.h - what a condition may use: decimals and a few plain functions.
 */
#ifndef TENON_SANDBOX_LIBRARY_H
#define TENON_SANDBOX_LIBRARY_H

#include "core/workflow/decimal.h"

#include <lua.h>

#define SANDBOX_ENVIRONMENT "environment"

/* Set up metatables and the table of functions (registry[SANDBOX_ENVIRONMENT]). May throw. */
void sandbox_library(lua_State *lua);

void sandbox_push_decimal(lua_State *lua, struct decimal d);

#endif
