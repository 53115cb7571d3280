// SPDX-License-Identifier: Apache-2.0
/**
 * Kronecker factors of the Fisher matrix: how they follow the gradients, and the cubic work of bringing their eigenbases
 * up to date, as tasks that another machine can do.
 */
package io.kronstream.fisher;
