# Runs ar's script SCRIPT in this folder. A file of its own because ar reads scripts from standard input alone.
execute_process(COMMAND ${AR} -M INPUT_FILE ${SCRIPT} COMMAND_ERROR_IS_FATAL ANY)
