// SPDX-License-Identifier: Apache-2.0
/**
 * Endless generated streams with known drift and known best accuracy, so that a fresh machine has something to learn.
 * Every stream is a function of its seed alone, the same on every machine.
 */
package io.kronstream.jobs.streams;
