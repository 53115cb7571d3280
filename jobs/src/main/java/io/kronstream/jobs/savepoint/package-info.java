// SPDX-License-Identifier: Apache-2.0
/**
 * Looks into savepoints and checkpoints without the job that wrote them. The state describes itself, so neither the job's
 * file nor its topics are needed.
 */
package io.kronstream.jobs.savepoint;
