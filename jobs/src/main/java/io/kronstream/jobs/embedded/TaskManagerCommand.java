// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import io.kronstream.jobs.embedded.ClusterSettings.TaskManagerMemory;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.configuration.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kronstream taskmanager}. */
@Command(
        name = "taskmanager",
        mixinStandardHelpOptions = true,
        description =
                "Runs a Flink TaskManager with kronstream on its class path, until it is told to end (Ctrl-C, TERM).",
        sortOptions = false)
public final class TaskManagerCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--jobmanager-host",
            paramLabel = "HOST",
            defaultValue = Ports.LOOPBACK,
            description = "Address of the JobManager (default: ${DEFAULT-VALUE}).")
    private String jobManagerHost;

    @Option(
            names = "--jobmanager-port",
            paramLabel = "PORT",
            defaultValue = "6123",
            description = "The JobManager's port for TaskManagers (default: ${DEFAULT-VALUE}).")
    private int jobManagerPort;

    @Option(
            names = "--host",
            paramLabel = "HOST",
            defaultValue = Ports.LOOPBACK,
            description = "Address to listen on and to be reached at (default: ${DEFAULT-VALUE}, this machine only).")
    private String host;

    @Option(
            names = "--slots",
            paramLabel = "N",
            defaultValue = "2",
            description = "Task slots (default: ${DEFAULT-VALUE}).")
    private int slots;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description =
                    "Port where Prometheus asks for metrics, open on all addresses of the machine (default: none).")
    private int metricsPort;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting of Flink's own, for example --set taskmanager.memory.managed.size=1g. Repeatable.")
    private Map<String, String> settings = Map.of();

    @Override
    public Integer call() {
        if (slots < 1) {
            throw new ParameterException(spec.commandLine(), "'--slots' must be at least 1, was " + slots);
        }
        ClusterSettings common = ClusterSettings.common(jobManagerHost, jobManagerPort)
                .taskManager(host, slots, TaskManagerMemory.ofThisJvm());
        Configuration configuration = (metricsPort > 0 ? common.prometheus(metricsPort) : common).configuration();
        settings.forEach(configuration::setString);
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "TaskManager at %s offers %d slots to the JobManager at %s:%d; Ctrl-C ends it.%n",
                host, slots, jobManagerHost, jobManagerPort);
        out.flush();
        ClusterProcess.runTaskManager(configuration);
        return 0;
    }
}
