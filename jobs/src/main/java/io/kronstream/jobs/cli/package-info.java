// SPDX-License-Identifier: Apache-2.0
/**
 * What a user types: one class per command. A command turns words into validated settings, has the work done elsewhere,
 * and turns what came of it into text and an exit status.
 */
package io.kronstream.jobs.cli;
