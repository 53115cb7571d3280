// SPDX-License-Identifier: Apache-2.0
/**
 * Kills a running job in every way and proves that nothing was lost: the same stream learned once undisturbed and once
 * under {@code kill -9}, and everything that the two runs left on Kafka compared. How processes are started and killed is
 * in {@code jobs.embedded}; here it is decided whom to kill, when, and what must be equal afterwards.
 */
package io.kronstream.jobs.drill;
