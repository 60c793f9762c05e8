# Starts vramd at each logon of the current user, in that user's session and with no more rights
# than that user's programs have. Needs no administrator.
#
#   .\install-agent.ps1 [-Program C:\path\vramd.exe] [-Remove]
param(
  [string]$Program = (Join-Path $PSScriptRoot 'vramd.exe'),
  [switch]$Remove
)
$ErrorActionPreference = 'Stop'

if ($Remove) {
  Stop-ScheduledTask -TaskName vramd -ErrorAction SilentlyContinue
  Unregister-ScheduledTask -TaskName vramd -Confirm:$false
  return
}
if (-not (Test-Path -LiteralPath $Program -PathType Leaf)) {
  throw "There is no $Program; name vramd.exe by -Program."
}
$user = [Security.Principal.WindowsIdentity]::GetCurrent().Name
$log = Join-Path $env:LOCALAPPDATA 'vramd.log'
$action = New-ScheduledTaskAction -Execute $Program -Argument "--wait-for-device --log-file `"$log`""
$trigger = New-ScheduledTaskTrigger -AtLogOn -User $user
# The task scheduler ends a task after three days unless it is told not to.
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) `
  -RestartCount 3 -RestartInterval (New-TimeSpan -Minutes 1) -AllowStartIfOnBatteries `
  -DontStopIfGoingOnBatteries
Register-ScheduledTask -TaskName vramd -Action $action -Trigger $trigger -Settings $settings `
  -Description 'Lends GPU memory between processes' | Out-Null
Start-ScheduledTask -TaskName vramd
