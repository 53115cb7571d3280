// SPDX-License-Identifier: Apache-2.0
/**
 * JMH benchmarks that mirror the kernels of the optimizer module, one class for each package. Numbers in the
 * documentation come from here, with the machine and its load beside them.
 */
package io.kronstream.benchmarks;
